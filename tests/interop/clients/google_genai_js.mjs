// Asks a server through @google/genai, and prints what its caller sees: one line of JSON per situation.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { folder, url, key, model, version, colour, bearer, only } = JSON.parse(process.argv[2]);
const headers = (apiKey) => (bearer ? { headers: { Authorization: `Bearer ${apiKey}` } } : {});
const entry = createRequire(`${folder}/package.json`).resolve("@google/genai");
const { GoogleGenAI } = await import(pathToFileURL(entry));
const client = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url, timeout: 20000, ...(version && { apiVersion: version }), ...headers(apiKey) } });
const { models } = client(key);

const seen = (answer) => ({
  text: answer.text ?? "",
  finish: answer.candidates?.[0]?.finishReason ?? null,
  total: answer.usageMetadata?.totalTokenCount ?? null,
  calls: (answer.functionCalls ?? []).map(({ name, args }) => ({ name, args })),
});
const ask = async (contents, config = {}) => models.generateContent({ model, contents, config });
const weather = {
  name: "get_weather",
  description: "Tells the weather in one city.",
  parametersJsonSchema: {
    type: "object",
    properties: { city_name: { type: "string" }, unitSystem: { type: "string", enum: ["metric", "imperial"] } },
    required: ["city_name", "unitSystem"],
  },
};
const paris = "What is the weather in Paris? Use metric units.";
const exactly = "Reply with exactly: OK-7f3a";

const situations = {
  text: async () => seen(await ask(exactly)),
  stream: async () => {
    const chunks = [];
    for await (const chunk of await models.generateContentStream({ model, contents: "Count from 1 to 40, separated by spaces." })) {
      chunks.push(seen(chunk));
    }
    const last = chunks.at(-1) ?? { finish: null, total: null };
    return { ...last, text: chunks.map((one) => one.text).join(""), calls: chunks.flatMap((one) => one.calls), chunks: chunks.length > 1 };
  },
  instruction: async () =>
    seen(await ask("What is the capital of France?", { systemInstruction: "Whatever is asked, reply with exactly: SYS-7f3a" })),
  calls: async () => {
    const config = { tools: [{ functionDeclarations: [weather] }] };
    const first = await ask(paris, config);
    const call = first.functionCalls?.[0];
    if (!call) return seen(first);
    const response = { functionResponse: { id: call.id, name: call.name, response: { report: "SUN-7f3a" } } };
    const turns = [{ role: "user", parts: [{ text: paris }] }, first.candidates[0].content, { role: "user", parts: [response] }];
    return { ...seen(first), second: seen(await ask(turns, config)) };
  },
  structured: async () => {
    const responseJsonSchema = {
      type: "object",
      properties: { code: { type: "string" }, number: { type: "integer" } },
      required: ["code", "number"],
    };
    const answer = await ask("Give me the code OK-7f3a and the number 7.", { responseMimeType: "application/json", responseJsonSchema });
    return { json: JSON.parse(answer.text ?? "null") };
  },
  image: async () => {
    const data = readFileSync(colour).toString("base64");
    const parts = [{ inlineData: { mimeType: "image/png", data } }, { text: "What colour is this image? Reply with one word." }];
    return seen(await ask([{ role: "user", parts }]));
  },
  tokens: async () => {
    const count = async (contents) => (await models.countTokens({ model, contents })).totalTokens;
    return { longer: (await count("one two three ".repeat(20))) > (await count("one two three")) };
  },
  models: async () => {
    let listed = false;
    for await (const one of await models.list()) listed ||= (one.name ?? "").endsWith(model);
    return { listed };
  },
  unknown_model: async () => seen(await models.generateContent({ model: "gemini-none", contents: exactly })),
  bad_key: async () => seen(await client("bad-key-0000").models.generateContent({ model, contents: exactly })),
};

for (const [situation, run] of Object.entries(situations)) {
  if (only.length && !only.includes(situation)) continue;
  const found = await run().catch((error) => ({ raises: error.name, status: error.status ?? null, says: String(error.message).slice(0, 200) }));
  console.log(JSON.stringify({ situation, ...found }));
}
