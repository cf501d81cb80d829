// Vercel's AI SDK with its provider for compatible services.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { flaky, key, limited, model, real, thrown, weather } from './programs.mjs';
import { assert, check, endpoint, report } from './report.mjs';

const connect = (base = endpoint, apiKey = key) => createOpenAICompatible({ name: 'kimi', baseURL: `${base}/v1`, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const kimi = connect()(model);

check('a completion', async () => {
	const { text, usage } = await generateText({ model: kimi, prompt: 'hello', maxOutputTokens: 200 });
	assert.ok(text && usage.outputTokens > 0);
	if (!real) assert.deepEqual([text, usage.inputTokens, usage.cachedInputTokens], ['Hello there', 10, 4]);
});

check('a stream with its usage', async () => {
	const result = streamText({ model: kimi, prompt: 'hello', maxOutputTokens: 200 });
	let text = '';
	for await (const piece of result.textStream) text += piece;
	assert.ok(text && (await result.usage).outputTokens > 0);
	if (!real) assert.equal(text, 'Hello there');
});

if (!real) {
	check('reasoning comes apart', async () => {
		const result = streamText({ model: kimi, prompt: 'think' });
		await result.consumeStream();
		assert.deepEqual([await result.reasoningText, await result.text], ['Let me see.', 'Seen.']);
	});

	const tools = { weather: tool({ description: weather.description, inputSchema: jsonSchema(weather.schema), execute: ({ city }) => `rain in ${city}` }) };
	check('tools in both ways', async () => {
		const whole = await generateText({ model: kimi, prompt: 'weather', tools, stopWhen: stepCountIs(3) });
		assert.equal(whole.text, 'The tool said: rain in Rome');
		const stream = streamText({ model: kimi, prompt: 'weather', tools, stopWhen: stepCountIs(3) });
		await stream.consumeStream();
		assert.equal(await stream.text, 'The tool said: rain in Rome');
	});

	check('JSON by a schema', async () => {
		const schema = jsonSchema({ type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'], additionalProperties: false });
		const { output } = await generateText({ model: kimi, prompt: 'json', output: Output.object({ schema }) });
		assert.deepEqual(output, { answer: 'yes' });
	});

	check('a stream that breaks', async () => {
		const result = streamText({ model: kimi, prompt: 'break', onError() {} });
		const parts = [];
		for await (const part of result.fullStream) parts.push(part.type);
		assert.ok(parts.includes('text-delta') && parts.includes('error'), `${parts}`);
	});
}

check('a stream that is left', async () => {
	const leave = new AbortController();
	const result = streamText({ model: connect()(process.env.ENDLESS ?? model), prompt: 'endless', abortSignal: leave.signal });
	for await (const part of result.fullStream) if (part.type === 'text-delta') leave.abort();
});

check('errors', async () => {
	const ask = (m, options = {}) => thrown(() => generateText({ model: m, prompt: 'hello', maxRetries: 0, ...options }));
	for (const [m, options, status] of [
		[connect(endpoint, 'k2_live_wrong')(model), {}, 401],
		[connect()('gpt-none'), {}, 404],
		[kimi, { temperature: 9 }, 400],
	]) {
		const err = await ask(m, options);
		assert.ok(APICallError.isInstance(err), `${err}`);
		assert.deepEqual([err.statusCode, err.isRetryable], [status, false]);
		assert.ok(err.message.length > 10, err.message);
	}
	if (limited) {
		const err = await ask(connect(limited)(model));
		assert.deepEqual([err.statusCode, err.isRetryable], [429, true]);
	}
});

if (flaky) {
	check('a lost answer is given again', async () => {
		const { text } = await generateText({ model: connect(flaky)(model), prompt: 'hello', headers: { 'Idempotency-Key': 'ai-1' } });
		assert.equal(text, 'Hello there');
	});
}

await report();
