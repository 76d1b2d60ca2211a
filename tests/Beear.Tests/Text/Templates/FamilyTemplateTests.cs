using System.Text.Json;
using Beear.Text;

namespace Beear.Tests.Text.Templates;

/// <summary>Templates in the manner of well-known families (our own text), with layouts worked out by hand.</summary>
public sealed class FamilyTemplateTests
{
    private const string Tool = """{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"a": "int"}}}""";

    private static readonly ChatTurn[] s_dialogue =
        [ChatTurn.System(" Be kind. "), ChatTurn.User("Hi"), ChatTurn.Assistant("Hello!"), ChatTurn.User("Sum?\n")];

    private static readonly ChatTurn[] s_toolUse =
    [
        ChatTurn.User("1+2?"),
        new("assistant", "") { Fields = Fields("""{"tool_calls": [{"id": "call00001", "type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": "é"}}}]}""") },
        new("tool", "3") { Fields = Fields("""{"tool_call_id": "call00001"}""") },
        new("tool", "three") { Fields = Fields("""{"tool_call_id": "call00001"}""") },
        ChatTurn.Assistant("It is 3."),
    ];

    [Fact]
    public void Llama_with_a_date_and_tools()
    {
        const string Template =
            """
            {{- bos_token }}
            {%- if not date_string is defined %}
                {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
            {%- endif %}
            {#- The system message goes first. #}
            {%- if messages[0]['role'] == 'system' %}
                {%- set system = messages[0]['content']|trim %}
                {%- set messages = messages[1:] %}
            {%- else %}
                {%- set system = "" %}
            {%- endif %}
            {{- "<|head|>system<|/head|>\n\n" }}
            {%- if tools is not none %}{{- "Environment: ipython\n" }}{%- endif %}
            {{- "Today Date: " + date_string + "\n\n" }}
            {%- if tools is not none and not tools_in_user_message %}
                {%- for t in tools %}
                    {{- t | tojson(indent=4) }}
                    {{- "\n\n" }}
                {%- endfor %}
            {%- endif %}
            {{- system }}{{- "<|eot|>" }}
            {%- for message in messages %}
                {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
                    {{- '<|head|>' + message['role'] + '<|/head|>\n\n'+ message['content'] | trim + '<|eot|>' }}
                {%- elif 'tool_calls' in message %}
                    {%- if not message.tool_calls|length == 1 %}{{- raise_exception("One call at a time!") }}{%- endif %}
                    {%- set tool_call = message.tool_calls[0].function %}
                    {{- '<|head|>assistant<|/head|>\n\n' -}}
                    {{- '{"name": "' + tool_call.name + '", "parameters": ' }}{{- tool_call.arguments | tojson }}{{- "}<|eom|>" }}
                {%- else %}
                    {{- "<|head|>ipython<|/head|>\n\n" }}
                    {%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}{%- else %}{{- message.content }}{%- endif %}
                    {{- "<|eot|>" }}
                {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}{{- '<|head|>assistant<|/head|>\n\n' }}{%- endif %}
            """;
        Assert.Equal("<s><|head|>system<|/head|>\n\nToday Date: 05 Mar 2025\n\nBe kind.<|eot|><|head|>user<|/head|>\n\nHi<|eot|>"
            + "<|head|>assistant<|/head|>\n\nHello!<|eot|><|head|>user<|/head|>\n\nSum?<|eot|><|head|>assistant<|/head|>\n\n",
                Render(Template, s_dialogue));
        Assert.Equal("<s><|head|>system<|/head|>\n\nEnvironment: ipython\nToday Date: 1 May\n\n{\n    \"type\": \"function\",\n    "
            + "\"function\": {\n"
            + "        \"name\": \"add\",\n        \"description\": \"Adds.\",\n        \"parameters\": {\n            \"a\": \"int\"\n    "
            + "    }\n    }\n}\n\n<|eot|>"
            + "<|head|>user<|/head|>\n\n1+2?<|eot|><|head|>assistant<|/head|>\n\n{\"name\": \"add\", \"parameters\": {\"a\": 1, \"b\": "
            + "\"é\"}}<|eom|>"
            + "<|head|>ipython<|/head|>\n\n\"3\"<|eot|><|head|>ipython<|/head|>\n\n\"three\"<|eot|><|head|>assistant<|/head|>\n\nIt is "
            + "3.<|eot|>",
            Render(Template, s_toolUse, new TemplateOptions { AddGenerationPrompt = false, Tools = [JsonOf(Tool)], Variables = Fields("""{"date_string": "1 May"}""") }));
    }

    [Fact]
    public void Mistral_with_tools_before_the_last_question()
    {
        const string Template =
            """
            {%- if messages[0]["role"] == "system" %}{%- set system_message = messages[0]["content"] %}{%- set loop_messages = messages[1:] %}
            {%- else %}{%- set loop_messages = messages %}{%- endif %}
            {%- if not tools is defined %}{%- set tools = none %}{%- endif %}
            {%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
            {%- set ns = namespace(index=0) %}
            {%- for message in loop_messages if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
                {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}{{- raise_exception("Roles must alternate.") }}{%- endif %}
                {%- set ns.index = ns.index + 1 %}
            {%- endfor %}
            {{- bos_token }}
            {%- for message in loop_messages %}
                {%- if message["role"] == "user" %}
                    {%- if tools is not none and (message == user_messages[-1]) %}
                        {{- "[TOOLS] [" }}
                        {%- for tool in tools %}
                            {%- set tool = tool.function %}
                            {{- '{"type": "function", "function": {' }}
                            {%- for key, val in tool.items() if key != "return" %}
                                {%- if val is string %}{{- '"' + key + '": "' + val + '"' }}{%- else %}{{- '"' + key + '": ' + val|tojson }}{%- endif %}
                                {%- if not loop.last %}{{- ", " }}{%- endif %}
                            {%- endfor %}
                            {{- "}}" }}{%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
                        {%- endfor %}
                        {{- "[/TOOLS]" }}
                    {%- endif %}
                    {%- if loop.last and system_message is defined %}
                        {{- "[INST] " + system_message + "\n\n" + message["content"] + "[/INST]" }}
                    {%- else %}{{- "[INST] " + message["content"] + "[/INST]" }}{%- endif %}
                {%- elif message.tool_calls is defined and message.tool_calls is not none %}
                    {{- "[CALLS] [" }}
                    {%- for tool_call in message.tool_calls %}
                        {%- set out = tool_call.function|tojson %}
                        {{- out[:-1] }}
                        {%- if not tool_call.id is defined or tool_call.id|length != 9 %}{{- raise_exception("An id has 9 characters.") }}{%- endif %}
                        {{- ', "id": "' + tool_call.id + '"}' }}
                        {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" + eos_token }}{%- endif %}
                    {%- endfor %}
                {%- elif message["role"] == "assistant" %}{{- " " + message["content"]|trim + eos_token }}
                {%- elif message["role"] in ["tool", "tool_results"] %}
                    {%- if message.content is defined and message.content.content is defined %}{%- set content = message.content.content %}
                    {%- else %}{%- set content = message.content %}{%- endif %}
                    {{- '[RESULTS] {"content": ' + content|string + ", " }}{{- '"id": "' + message.tool_call_id + '"}[/RESULTS]' }}
                {%- else %}{{- raise_exception("Unknown role.") }}{%- endif %}
            {%- endfor %}
            """;
        Assert.Equal("<s>[INST] Hi[/INST] Hello!</s>[INST]  Be kind. \n\nSum?\n[/INST]", Render(Template, s_dialogue));
        Assert.Equal("<s>[TOOLS] [{\"type\": \"function\", \"function\": {\"name\": \"add\", \"description\": \"Adds.\", \"parameters\": "
            + "{\"a\": \"int\"}}}][/TOOLS][INST] 1+2?[/INST]"
            + "[CALLS] [{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": \"é\"}, \"id\": \"call00001\"}]</s>[RESULTS] {\"content\": 3, "
            + "\"id\": \"call00001\"}[/RESULTS]"
            + "[RESULTS] {\"content\": three, \"id\": \"call00001\"}[/RESULTS] It is 3.</s>",
                Render(Template, s_toolUse, new TemplateOptions { Tools = [JsonOf(Tool)] }));
        Assert.EndsWith("Roles must alternate.", Refusal(Template, [ChatTurn.User("a"), ChatTurn.User("b")]), StringComparison.Ordinal);
    }

    [Fact]
    public void Qwen_groups_results_and_hides_old_thoughts()
    {
        const string Template =
            """
            {%- if tools %}
                {{- '<|im_start|>system\n' }}
                {%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}
                {{- "# Tools\n<tools>" }}
                {%- for tool in tools %}
                    {{- "\n" }}
                    {{- tool | tojson }}
                {%- endfor %}
                {{- "\n</tools><|im_end|>\n" }}
            {%- elif messages[0].role == 'system' %}
                {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
            {%- endif %}
            {%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
            {%- for message in messages[::-1] %}
                {%- set index = (messages|length - 1) - loop.index0 %}
                {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<result>') and message.content.endswith('</result>')) %}
                    {%- set ns.multi_step_tool = false %}
                    {%- set ns.last_query_index = index %}
                {%- endif %}
            {%- endfor %}
            {%- for message in messages %}
                {%- if message.content is string %}{%- set content = message.content %}{%- else %}{%- set content = '' %}{%- endif %}
                {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
                    {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
                {%- elif message.role == "assistant" %}
                    {%- set reasoning = '' %}
                    {%- if message.reasoning_content is string %}{%- set reasoning = message.reasoning_content %}
                    {%- elif '</think>' in content %}
                        {%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
                        {%- set content = content.split('</think>')[-1].lstrip('\n') %}
                    {%- endif %}
                    {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning)) %}
                        {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
                    {%- else %}{{- '<|im_start|>' + message.role + '\n' + content }}{%- endif %}
                    {%- for tool_call in message.tool_calls or [] %}
                        {%- if (loop.first and content) or (not loop.first) %}{{- '\n' }}{%- endif %}
                        {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
                        {{- '<call>{"name": "' ~ tool_call.name ~ '", "arguments": ' }}
                        {%- if tool_call.arguments is string %}{{- tool_call.arguments }}{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
                        {{- '}</call>' }}
                    {%- endfor %}
                    {{- '<|im_end|>\n' }}
                {%- elif message.role == "tool" %}
                    {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}
                    {{- '\n<result>' }}{{- content }}{{- '</result>' }}
                    {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<|im_end|>\n' }}{%- endif %}
                {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}
                {{- '<|im_start|>assistant\n' }}
                {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}
            {%- endif %}
            """;
        ChatTurn[] thoughtful = [ChatTurn.User("a"), ChatTurn.Assistant("<think>\nold\n</think>\n\nb"), ChatTurn.User("c"),
            ChatTurn.Assistant("<think>\nnew\n</think>\n\nd")];
        Assert.Equal("<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n"
            + "<|im_start|>assistant\n<think>\nnew\n</think>\n\nd<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
            Render(Template, thoughtful, new TemplateOptions { Variables = Fields("""{"enable_thinking": false}""") }));
        Assert.Equal("<|im_start|>system\n# Tools\n<tools>\n" + Tool + "\n</tools><|im_end|>\n<|im_start|>user\n1+2?<|im_end|>\n"
            + "<|im_start|>assistant\n<call>{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": \"é\"}}</call><|im_end|>\n"
            + "<|im_start|>user\n<result>3</result>\n<result>three</result><|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nIt is "
            + "3.<|im_end|>\n<|im_start|>assistant\n",
            Render(Template, s_toolUse, new TemplateOptions { Tools = [JsonOf(Tool)] }));
    }

    [Fact]
    public void Command_with_macros_that_call_themselves()
    {
        const string Template =
            """
            {%- macro type_of(spec) -%}
              {%- set names = {"string": "str", "integer": "int"} -%}
              {%- if spec.type in names.keys() -%}{{ names[spec.type] }}
              {%- elif spec.type == "array" -%}{{ "List[" + type_of(spec["items"]) + "]" }}
              {%- elif spec.type is iterable and spec.type is not string -%}Union[{%- for t in spec.type -%}{{ type_of({"type": t}) }}{% if not loop.last %}, {% endif %}{%- endfor -%}]
              {%- else -%}Any{%- endif -%}
            {%- endmacro -%}
            {%- macro signature(tool) %}def {{ tool.name }}({% for name, spec in tool.parameters.properties.items() %}{{ name }}: {{ type_of(spec) }}{% if name not in tool.parameters.required %} = None{% endif %}{% if not loop.last %}, {% endif %}{% endfor %}){% endmacro -%}
            {%- for tool in tools %}
            {{ signature(tool) }}
            {% endfor %}
            {%- for document in documents %}
            [{{ loop.index0 }}]{% for key, value in document|items %} {{ key|capitalize }}={{ value }}{% endfor %}

            {% endfor %}
            """;
        var tool = JsonOf("""{"name": "find", "parameters": {"properties": {"query": {"type": "string"}, "ids": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, "x": {"type": ["integer", "null"]}}, "required": ["query"]}}""");
        var documents = new object[] { JsonOf("""{"title": "T", "TEXT": "t"}"""), JsonOf("""{"n": 1.0, "ok": true}""") };
        Assert.Equal("def find(query: str, ids: List[List[int]] = None, x: Union[int, Any] = None)\n[0] Title=T Text=t\n[1] N=1.0 "
            + "Ok=True\n",
            Render(Template, [], new TemplateOptions { Tools = [tool], Documents = documents }));
    }

    internal static string Render(string template, ChatTurn[] messages, TemplateOptions? options = null)
    {
        options ??= new TemplateOptions();
        var variables = new Dictionary<string, object?>(options.Variables, StringComparer.Ordinal)
        {
            ["bos_token"] = "<s>",
            ["eos_token"] = "</s>"
        };
        return new ChatTemplate(template, new FixedClock()).Render(messages, options with { Variables = variables }).Text;
    }

    internal static string Refusal(string template, ChatTurn[] messages) =>
        Assert.Throws<BeearException>(() => Render(template, messages)).Message;

    internal static JsonElement JsonOf(string text) => JsonSerializer.Deserialize<JsonElement>(text);

    internal static Dictionary<string, object?> Fields(string json) =>
        JsonOf(json).EnumerateObject().ToDictionary(field => field.Name, field => (object?)field.Value, StringComparer.Ordinal);

    /// <summary>Wednesday, 5 March 2025, 06:07:08 in UTC.</summary>
    internal sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2025, 3, 5, 6, 7, 8, TimeSpan.Zero);

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;
    }
}
