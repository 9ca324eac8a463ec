// Asks a server through @ai-sdk/google and ai, and prints what their caller sees: one line of JSON per situation.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { folder, url, key, model, version, colour, bearer, only } = JSON.parse(process.argv[2]);
const headers = (apiKey) => (bearer ? { headers: { Authorization: `Bearer ${apiKey}` } } : {});
const installed = (name) => import(pathToFileURL(createRequire(`${folder}/package.json`).resolve(name)));
const { createGoogleGenerativeAI } = await installed("@ai-sdk/google");
const { generateText, streamText, jsonSchema, tool, Output } = await installed("ai");
const provider = (apiKey) => createGoogleGenerativeAI({ apiKey, baseURL: `${url}/${version || "v1beta"}`, ...headers(apiKey) });
const google = provider(key);
const common = { model: google(model), maxRetries: 0 };

const seen = (result) => ({
  text: result.text ?? "",
  finish: result.finishReason ?? null,
  total: result.usage?.totalTokens ?? null,
  calls: (result.toolCalls ?? []).map((call) => ({ name: call.toolName, args: call.input })),
});
const weather = jsonSchema({
  type: "object",
  properties: { city_name: { type: "string" }, unitSystem: { type: "string", enum: ["metric", "imperial"] } },
  required: ["city_name", "unitSystem"],
});
const get_weather = tool({ description: "Tells the weather in one city.", inputSchema: weather });
const paris = "What is the weather in Paris? Use metric units.";
const exactly = "Reply with exactly: OK-7f3a";

const situations = {
  text: async () => seen(await generateText({ ...common, prompt: exactly })),
  stream: async () => {
    const failures = [];
    const result = streamText({
      ...common,
      prompt: "Count from 1 to 40, separated by spaces.",
      onError: ({ error }) => failures.push(error),
    });
    let text = "";
    let chunks = 0;
    for await (const piece of result.textStream) {
      text += piece;
      chunks += 1;
    }
    if (failures.length) throw failures[0];
    return { text, finish: await result.finishReason, total: (await result.usage).totalTokens ?? null, calls: [], chunks: chunks > 1 };
  },
  instruction: async () =>
    seen(await generateText({ ...common, instructions: "Whatever is asked, reply with exactly: SYS-7f3a", prompt: "What is the capital of France?" })),
  calls: async () => {
    const tools = { get_weather };
    const first = await generateText({ ...common, tools, prompt: paris });
    if (!first.toolCalls.length) return seen(first);
    const output = { type: "json", value: { report: "SUN-7f3a" } };
    const content = first.toolCalls.map((call) => ({ type: "tool-result", toolCallId: call.toolCallId, toolName: call.toolName, output }));
    const messages = [{ role: "user", content: paris }, ...first.response.messages, { role: "tool", content }];
    return { ...seen(first), second: seen(await generateText({ ...common, tools, messages })) };
  },
  structured: async () => {
    const schema = jsonSchema({
      type: "object",
      properties: { code: { type: "string" }, number: { type: "integer" } },
      required: ["code", "number"],
    });
    const result = await generateText({ ...common, output: Output.object({ schema }), prompt: "Give me the code OK-7f3a and the number 7." });
    return { json: result.output };
  },
  image: async () => {
    const content = [
      { type: "text", text: "What colour is this image? Reply with one word." },
      { type: "file", data: readFileSync(colour), mediaType: "image/png" },
    ];
    return seen(await generateText({ ...common, messages: [{ role: "user", content }] }));
  },
  unknown_model: async () => seen(await generateText({ ...common, model: google("gemini-none"), prompt: exactly })),
  bad_key: async () => seen(await generateText({ ...common, model: provider("bad-key-0000")(model), prompt: exactly })),
};

process.on("unhandledRejection", () => {}); // what a situation raises is printed by it
for (const [situation, run] of Object.entries(situations)) {
  if (only.length && !only.includes(situation)) continue;
  const found = await run().catch((error) => ({
    raises: (error.name ?? "Error").replace(/^AI_/, ""),
    status: error.statusCode ?? null,
    says: String(error.message).slice(0, 200),
  }));
  console.log(JSON.stringify({ situation, ...found }));
}
