using Beear.Text;
using static Beear.Tests.Text.Templates.FamilyTemplateTests;

namespace Beear.Tests.Text.Templates;

/// <summary>More templates in the manner of well-known families (our own text), without tools.</summary>
public sealed class PlainFamilyTemplateTests
{
    private static readonly ChatTurn[] s_dialogue =
        [ChatTurn.System(" Be kind. "), ChatTurn.User("Hi"), ChatTurn.Assistant("Hello!"), ChatTurn.User("Sum?\n")];

    [Fact]
    public void Gemma_puts_the_system_prompt_before_the_first_question()
    {
        const string Template =
            """
            {{ bos_token }}
            {%- if messages[0]['role'] == 'system' -%}
                {%- if messages[0]['content'] is string -%}
                    {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
                {%- else -%}
                    {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
                {%- endif -%}
                {%- set loop_messages = messages[1:] -%}
            {%- else -%}
                {%- set first_user_prefix = "" -%}
                {%- set loop_messages = messages -%}
            {%- endif -%}
            {%- for message in loop_messages -%}
                {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
                    {{ raise_exception("Turns must alternate user/assistant/…") }}
                {%- endif -%}
                {%- if (message['role'] == 'assistant') -%}{%- set role = "model" -%}{%- else -%}{%- set role = message['role'] -%}{%- endif -%}
                {{ '<turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
                {%- if message['content'] is string -%}
                    {{ message['content'] | trim }}
                {%- elif message['content'] is iterable -%}
                    {%- for item in message['content'] -%}
                        {%- if item['type'] == 'image' -%}{{ '<image>' }}{%- elif item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}
                    {%- endfor -%}
                {%- endif -%}
                {{ '<end>\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt -%}
                {{'<turn>model\n'}}
            {%- endif -%}
            """;
        Assert.Equal("<s><turn>user\n Be kind. \n\nHi<end>\n<turn>model\nHello!<end>\n<turn>user\nSum?<end>\n<turn>model\n",
            Render(Template, s_dialogue));
        var parts = new ChatTurn("user", "") { Fields = Fields("""{"content": [{"type": "image"}, {"type": "text", "text": " What? "}]}""") };
        Assert.Equal("<s><turn>user\n<image>What?<end>\n<turn>model\n", Render(Template, [parts]));
        Assert.EndsWith("Turns must alternate user/assistant/…", Refusal(Template, [ChatTurn.Assistant("Hi")]), StringComparison.Ordinal);
    }

    [Fact]
    public void Phi_in_one_line() => Assert.Equal(
        "<|im_start|>system<|im_sep|> Be kind. "
            + "<|im_end|><|im_start|>user<|im_sep|>Hi<|im_end|><|im_start|>assistant<|im_sep|>Hello!<|im_end|>"
            + "<|im_start|>user<|im_sep|>Sum?\n<|im_end|><|im_start|>assistant<|im_sep|>",
        Render("{% for message in messages %}{% if (message['role'] == 'system') %}{{'<|im_start|>system<|im_sep|>' + message['content'] + "
            + "'<|im_end|>'}}"
            + "{% elif (message['role'] == 'user') %}{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>'}}{% elif "
            + "(message['role'] == 'assistant') %}"
            + "{{'<|im_start|>assistant<|im_sep|>' + message['content'] + '<|im_end|>'}}{% endif %}{% endfor %}{% if add_generation_prompt "
            + "%}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}", s_dialogue));

    [Fact]
    public void DeepSeek_gathers_system_prompts_in_a_namespace()
    {
        const string Template =
            "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
                + "{% set ns = namespace(is_first=true, is_last_user=false, system_prompt='') %}"
            + "{%- for message in messages %}{%- if message['role'] == 'system' %}{%- if ns.is_first %}{% set ns.system_prompt = "
            + "ns.system_prompt + message['content'] %}"
            + "{% set ns.is_first = false %}{%- else %}{% set ns.system_prompt = ns.system_prompt + '\\n\\n' + message['content'] %}{%- "
            + "endif %}{%- endif %}{%- endfor %}"
            + "{{ bos_token }}{{ ns.system_prompt }}"
            + "{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_last_user = true -%}{{'<｜User｜>' + "
            + "message['content']}}{%- endif %}"
            + "{%- if message['role'] == 'assistant' and message['content'] is not none %}{%- set ns.is_last_user = false -%}{% set "
            + "content = message['content'] %}"
            + "{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + "
            + "'<｜end▁of▁sentence｜>'}}{%- endif %}{%- endfor -%}"
            + "{% if add_generation_prompt and ns.is_last_user %}{{'<｜Assistant｜><think>\\n'}}{% endif %}";
        Assert.Equal("<s>A\n\nB<｜User｜>Hi<｜Assistant｜>yes<｜end▁of▁sentence｜><｜User｜>So?<｜Assistant｜><think>\n",
            Render(Template, [ChatTurn.System("A"), ChatTurn.System("B"), ChatTurn.User("Hi"), ChatTurn.Assistant("<think>hm</think>yes"),
                ChatTurn.User("So?")]));
        Assert.Equal("<s><｜User｜>a<｜Assistant｜>b<｜end▁of▁sentence｜>", Render(Template, [ChatTurn.User("a"), ChatTurn.Assistant("b")]));
    }

    [Fact]
    public void Granite_with_documents_and_a_switch_for_thoughts()
    {
        const string Template =
            """
            {%- if messages[0]['role'] == 'system' %}
                {%- set system_message = messages[0]['content'] %}
                {%- set loop_messages = messages[1:] %}
            {%- else %}
                {%- set system_message = "Knowledge: April 2024.\nToday: " + strftime_now('%B %-d, %Y') + "." %}
                {%- if documents %}{%- set system_message = system_message + " Use the documents." %}
                {%- elif thinking %}{%- set system_message = system_message + " Think first." %}{%- endif %}
                {%- set loop_messages = messages %}
            {%- endif %}
            {{- '<|role|>system<|/role|>' + system_message + '<|eot|>\n' }}
            {%- if documents %}
            {{- '<|role|>documents<|/role|>' }}
            {%- for document in documents %}
            {{- 'Document ' + loop.index | string + '\n' + document['text'] }}
            {%- if not loop.last %}{{- '\n\n' }}{%- endif %}
            {%- endfor %}
            {{- '<|eot|>\n' }}
            {%- endif %}
            {%- for message in loop_messages %}
            {{- '<|role|>' + message['role'] + '<|/role|>' + message['content'] + '<|eot|>\n' }}
            {%- if loop.last and add_generation_prompt %}
            {{- '<|role|>assistant' }}
            {%- if controls %}{{- ' ' + controls | tojson() }}{%- endif %}
            {{- '<|/role|>' }}
            {%- endif %}
            {%- endfor %}
            """;
        var options = new TemplateOptions { Documents = [JsonOf("""{"text": "One."}"""), JsonOf("""{"text": "Two."}""")], Variables = Fields("""{"controls": {"length": "short"}}""") };
        Assert.Equal("<|role|>system<|/role|>Knowledge: April 2024.\nToday: March 5, 2025. Use the "
            + "documents.<|eot|>\n<|role|>documents<|/role|>Document 1\nOne.\n\nDocument 2\nTwo.<|eot|>\n"
            + "<|role|>user<|/role|>Hi<|eot|>\n<|role|>assistant {\"length\": \"short\"}<|/role|>",
                Render(Template, [ChatTurn.User("Hi")], options));
        Assert.StartsWith("<|role|>system<|/role|>Knowledge: April 2024.\nToday: March 5, 2025. Think first.<|eot|>\n<|role|>user",
            Render(Template, [ChatTurn.User("Hi")], new TemplateOptions { Variables = Fields("""{"thinking": true}""") }), StringComparison.Ordinal);
    }

    [Fact]
    public void Olmo_ends_all_answers_but_the_last_with_a_newline()
    {
        const string Template =
            "{{ bos_token }}{% for message in messages %}\n{% if message['role'] == 'system' %}{{ '<|system|>\n' + message['content'] + "
                + "'\n' }}"
            + "{% elif message['role'] == 'user' %}{{ '<|user|>\n' + message['content'] + '\n' }}{% elif message['role'] == 'assistant' %}"
            + "{% if not loop.last %}{{ '<|assistant|>\n' + message['content'] + eos_token + '\n' }}{% else %}{{ '<|assistant|>\n' + "
            + "message['content'] + eos_token }}{% endif %}{% endif %}"
            + "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}{% endfor %}";
        Assert.Equal("<s><|system|>\n Be kind. \n<|user|>\nHi\n<|assistant|>\nHello!</s>\n<|user|>\nSum?\n\n<|assistant|>\n",
            Render(Template, s_dialogue));
        Assert.Equal("<s><|system|>\n Be kind. \n<|user|>\nHi\n<|assistant|>\nHello!</s>",
            Render(Template, s_dialogue[..3], new TemplateOptions { AddGenerationPrompt = false }));
    }

    [Fact]
    public void SmolLm_reads_flags_in_the_system_prompt_and_marks_what_is_generated()
    {
        const string Template =
            """
            {# defaults #}
            {%- if enable_thinking is not defined -%}{%- set enable_thinking = true -%}{%- endif -%}
            {%- set mode = "/think" if enable_thinking else "/no_think" -%}
            {%- if messages[0].role == "system" -%}
              {%- set system = messages[0].content -%}
              {%- if "/no_think" in system -%}{%- set mode = "/no_think" -%}{%- endif -%}
              {%- set instructions = system.replace("/no_think", "").replace("/think", "").rstrip() -%}
            {%- endif -%}
            {{- "<|im_start|>system\n" -}}
            Mode: {{ mode }}{{ "\n\n" }}
            {%- if instructions %}{{- instructions -}}{%- endif -%}
            {{- "<|im_end|>\n" -}}
            {%- for message in messages if message.role != "system" -%}
              {%- if message.role == "assistant" -%}
                {% generation %}
                {{- "<|im_start|>assistant\n" + (message.content | trim) + "<|im_end|>\n" -}}
                {% endgeneration %}
              {%- else -%}
                {{- "<|im_start|>" + message.role + "\n" + message.content + "<|im_end|>\n" -}}
              {%- endif -%}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- "<|im_start|>assistant\n" -}}{{ "<think>\n\n</think>\n" if mode == "/no_think" }}{%- endif -%}
            """;
        Assert.Equal("<|im_start|>system\nMode: "
            + "/no_think\n\nShort.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n",
            Render(Template, [ChatTurn.System("Short. /no_think"), ChatTurn.User("Hi")]));
        var rendered = new ChatTemplate(Template)
            .Render([ChatTurn.User("Hi"), ChatTurn.Assistant(" Yo "), ChatTurn.User("?"), ChatTurn.Assistant("!")], new TemplateOptions());
        Assert.Equal("<|im_start|>system\nMode: /think\n\n<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo<|im_end|>\n"
            + "<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n!<|im_end|>\n<|im_start|>assistant\n", rendered.Text);
        Assert.Equal(["<|im_start|>assistant\nYo<|im_end|>\n", "<|im_start|>assistant\n!<|im_end|>\n"],
            rendered.Generated.Select(part => rendered.Text[part]));
    }

    [Fact]
    public void Vicuna_with_else_and_joined_names()
    {
        const string Template =
            """
            {% set roles = {'user': 'USER', 'assistant': 'ASSISTANT'} %}
            {% for m in messages if m.role in roles %}
            {{ roles[m.role] }}: {{ m.content.strip() }}{{ ' ' if m.role == 'user' else eos_token }}
            {%- else %}
            Nobody speaks.
            {%- endfor %}
            {% if add_generation_prompt %}{{ roles.values() | list | last }}:{% endif %}

              {#- the end -#}
            """;
        Assert.Equal("USER: Hi ASSISTANT: Hello!</s>USER: Sum? ASSISTANT:", Render(Template, s_dialogue));
        Assert.Equal("Nobody speaks.ASSISTANT:", Render(Template, s_dialogue[..1]));
    }

    [Fact]
    public void Hermes_prints_a_schema_of_any_depth()
    {
        const string Template =
            """
            {%- macro render(node, depth) -%}
              {%- for key, value in node | dictsort %}
                {{- '\n' ~ '  ' * depth ~ key ~ ': ' }}
                {%- if value is mapping %}{{ render(value, depth=depth + 1) }}
                {%- elif value is sequence and value is not string %}{{ value | map('string') | map('upper') | join('/') }}
                {%- else %}{{ value | default('-', true) }}
                {%- endif %}
              {%- endfor %}
            {%- endmacro -%}
            Schema:{{ render(schema, 1) }}
            """;
        Assert.Equal("Schema:\n  a: \n    b: X/1/NONE\n    C: -\n  z: 2.50", Render(Template, [], new TemplateOptions { Variables = Fields("""{"schema": {"z": "2.50", "a": {"C": "", "b": ["x", 1, null]}}}""") }));
    }
}
