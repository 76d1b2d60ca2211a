// What llama.cpp makes of GGUF files. Standard input: { questions: [{ path, texts, prompts, answers }] }; standard output: { answers }, for each file
// { ids: the token ids of each text, choices: for each answer, token by token, what llama.cpp would choose there,
// logits: the highest there, as lists of [token, logit] }, or { error }.
import { json } from "node:stream/consumers";
import { getLlama } from "node-llama-cpp";

const { questions } = await json(process.stdin);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "disabled", maxThreads: 1 });
const greedy = { generateNext: { token: true, logits: { filter: { tokens: [], includeTop: 16 } }, options: { temperature: 0 } } };

async function choices(sequence, prompt, answer) {
    await sequence.clearHistory();
    const known = [...prompt, ...answer.slice(0, -1)];
    const asked = known.map((token, i) => i < prompt.length - 1 ? token : [token, greedy]);
    const results = await sequence.controlledEvaluate(asked);
    return results.slice(prompt.length - 1).map(({ next }) => ({ token: next.token, logits: [...next.logits] }));
}

async function judge({ path, texts, prompts, answers }) {
    const model = await llama.loadModel({ modelPath: path });
    try {
        const ids = texts.map(text => model.tokenize(text, true));
        if (prompts.length === 0) return { ids, choices: [], logits: [] };
        const contextSize = Math.max(...prompts.map((prompt, i) => prompt.length + answers[i].length));
        const context = await model.createContext({ contextSize, batchSize: contextSize, threads: 1 });
        const sequence = context.getSequence();
        const chosen = [];
        for (let i = 0; i < prompts.length; i++) chosen.push(await choices(sequence, prompts[i], answers[i]));
        return { ids, choices: chosen.map(answer => answer.map(({ token }) => token)), logits: chosen.map(answer => answer.map(({ logits }) => logits)) };
    } finally {
        await model.dispose();
    }
}

const answers = [];
for (const question of questions) answers.push(await judge(question).catch(error => ({ error: String(error?.message ?? error) })));
process.stdout.write(JSON.stringify({ answers }), () => process.exit(0));
