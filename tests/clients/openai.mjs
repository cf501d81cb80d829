// OpenAI's own client.
import OpenAI from 'openai';
import { flaky, key, limited, model, real, thrown, weather } from './programs.mjs';
import { assert, check, endpoint, report } from './report.mjs';

const connect = (base = endpoint, apiKey = key, options = {}) => new OpenAI({ baseURL: `${base}/v1`, apiKey, ...options });
const client = connect();
const say = (content) => [{ role: 'user', content }];

check('lists models', async () => {
	const page = await client.models.list();
	assert.ok(page.data.some((m) => m.id === model));
	const one = await client.models.retrieve(model);
	assert.deepEqual([one.id, one.object], [model, 'model']);
});

check('a completion', async () => {
	const { data, request_id } = await client.chat.completions.create({ model, messages: say('hello'), max_completion_tokens: 200 }).withResponse();
	assert.match(request_id, /^req_/);
	assert.match(data.id, /^chatcmpl-/);
	assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
	assert.ok(data.choices[0].message.content);
	if (!real) {
		assert.equal(data.choices[0].message.content, 'Hello there');
		assert.equal(data.choices[0].finish_reason, 'stop');
		assert.equal(data.usage.prompt_tokens_details.cached_tokens, 4);
	}
});

check('a stream with its usage', async () => {
	const stream = await client.chat.completions.create({ model, messages: say('hello'), max_tokens: 200, stream: true, stream_options: { include_usage: true } });
	const chunks = [];
	for await (const chunk of stream) chunks.push(chunk);
	assert.equal(new Set(chunks.map((c) => `${c.id} ${c.created} ${c.model}`)).size, 1);
	assert.equal(chunks[0].choices[0].delta.role, 'assistant');
	assert.deepEqual(chunks.at(-1).choices, []);
	assert.ok(chunks.at(-1).usage.completion_tokens > 0);
	assert.ok(chunks.at(-2).choices[0].finish_reason);
	const text = chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');
	assert.ok(text);
	if (!real) assert.equal(text, 'Hello there');
});

if (!real) {
	const tools = [{ type: 'function', function: { name: weather.name, description: weather.description, parameters: weather.schema } }];

	check('reasoning comes apart', async () => {
		const stream = await client.chat.completions.create({ model, messages: say('think'), stream: true });
		const got = { reasoning_content: '', content: '' };
		for await (const { choices } of stream) for (const part of Object.keys(got)) got[part] += choices[0].delta[part] ?? '';
		assert.deepEqual(got, { reasoning_content: 'Let me see.', content: 'Seen.' });
	});

	check('a tool, there and back', async () => {
		const messages = say('weather');
		const first = await client.chat.completions.create({ model, messages, tools });
		const [call] = first.choices[0].message.tool_calls;
		assert.deepEqual([first.choices[0].finish_reason, call.function.name, JSON.parse(call.function.arguments)], ['tool_calls', 'weather', { city: 'Rome' }]);
		messages.push(first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'rain' });
		const second = await client.chat.completions.create({ model, messages, tools });
		assert.equal(second.choices[0].message.content, 'The tool said: rain');
		messages.push(second.choices[0].message, ...say('and the weather there?'));
		const third = await client.chat.completions.create({ model, messages, tools });
		messages.push(third.choices[0].message, { role: 'tool', tool_call_id: third.choices[0].message.tool_calls[0].id, content: 'sun' });
		const fourth = await client.chat.completions.create({ model, messages, tools });
		assert.equal(fourth.choices[0].message.content, 'The tool said: sun');
	});

	check('the runner calls tools in a stream', async () => {
		const runner = client.chat.completions.runTools({
			model,
			stream: true,
			messages: say('weather'),
			tools: [{ type: 'function', function: { ...tools[0].function, parse: JSON.parse, function: ({ city }) => `rain in ${city}` } }],
		});
		assert.equal(await runner.finalContent(), 'The tool said: rain in Rome');
	});

	check('JSON', async () => {
		const got = await client.chat.completions.create({ model, messages: say('json'), response_format: { type: 'json_object' } });
		assert.deepEqual(JSON.parse(got.choices[0].message.content), { answer: 'yes' });
		const schema = { name: 'answer', strict: true, schema: { type: 'object', properties: { answer: { type: 'string' } } } };
		const parsed = await client.chat.completions.create({ model, messages: say('json'), response_format: { type: 'json_schema', json_schema: schema } });
		assert.deepEqual(JSON.parse(parsed.choices[0].message.content), { answer: 'yes' });
	});

	check('a stream that breaks', async () => {
		const stream = await client.chat.completions.create({ model, messages: say('break'), stream: true });
		let text = '';
		const err = await thrown(async () => {
			for await (const { choices } of stream) text += choices[0].delta.content ?? '';
		});
		assert.ok(err instanceof OpenAI.APIError, `${err}`);
		assert.deepEqual([text, err.code, err.type], ['Half', 'upstream_failed', 'server_error']);
	});

	check('a broken engine is asked again', async () => {
		const err = await thrown(() => connect(endpoint, key, { maxRetries: 1 }).chat.completions.create({ model, messages: say('refuse') }));
		assert.ok(err instanceof OpenAI.InternalServerError, `${err}`);
		assert.equal(err.status, 502);
	});
}

check('a stream that is left', async () => {
	const stream = await client.chat.completions.create({ model: process.env.ENDLESS ?? model, messages: say('endless'), stream: true });
	for await (const chunk of stream) {
		if (chunk.choices[0]?.delta.content) {
			stream.controller.abort();
			break;
		}
	}
});

check('errors are of their classes', async () => {
	const wrong = async (run, kind, code) => {
		const err = await thrown(run);
		assert.ok(err instanceof kind, `${err} is no ${kind.name}`);
		assert.equal(err.code, code);
		return err;
	};
	const ask = (c, body = {}) => c.chat.completions.create({ model, messages: say('hello'), ...body });
	await wrong(() => ask(connect(endpoint, 'k2_live_wrong')), OpenAI.AuthenticationError, 'invalid_api_key');
	await wrong(() => connect(endpoint, `${key.slice(0, -1)}`).models.list(), OpenAI.AuthenticationError, 'invalid_api_key');
	await wrong(() => ask(client, { model: 'gpt-none' }), OpenAI.NotFoundError, 'model_not_found');
	await wrong(() => client.models.retrieve('gpt-none'), OpenAI.NotFoundError, 'model_not_found');
	const bad = await wrong(() => ask(client, { temperature: 9 }), OpenAI.BadRequestError, 'invalid_value');
	assert.deepEqual([bad.param, bad.type], ['temperature', 'invalid_request_error']);
	await wrong(() => ask(client, { n: 2 }), OpenAI.BadRequestError, 'invalid_value');
	await wrong(() => client.embeddings.create({ model, input: 'x' }), OpenAI.NotFoundError, 'unknown_url');
});

if (limited) {
	check('a limit is waited for, twice', async () => {
		const err = await thrown(() => connect(limited).chat.completions.create({ model, messages: say('hello') }));
		assert.ok(err instanceof OpenAI.RateLimitError, `${err}`);
		assert.deepEqual([err.code, err.headers.get('x-ratelimit-remaining-requests'), err.headers.get('test-count')], ['rate_limit_exceeded', '0', '3']);
	});
}

if (flaky) {
	check('a lost answer is given again', async () => {
		const options = { headers: { 'Idempotency-Key': 'openai-1' } };
		const { data, response } = await connect(flaky).chat.completions.create({ model, messages: say('hello') }, options).withResponse();
		assert.equal(data.choices[0].message.content, 'Hello there');
		assert.equal(response.headers.get('idempotency-replayed'), 'true');
		const again = await client.chat.completions.create({ model, messages: say('hello') }, options);
		assert.deepEqual(again, data);
		const err = await thrown(() => client.chat.completions.create({ model, messages: say('other') }, options));
		assert.ok(err instanceof OpenAI.ConflictError, `${err}`);
	});
}

await report();
