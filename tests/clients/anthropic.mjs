// Anthropic's own client.
import Anthropic from '@anthropic-ai/sdk';
import { flaky, key, limited, model, real, thrown, weather } from './programs.mjs';
import { assert, check, endpoint, report } from './report.mjs';

const connect = (base = endpoint, apiKey = key, options = {}) => new Anthropic({ baseURL: base, apiKey, ...options });
const client = connect();
const say = (content) => [{ role: 'user', content }];
const ask = (content, more = {}) => ({ model, max_tokens: 200, messages: say(content), ...more });

check('lists models', async () => {
	const page = await client.models.list();
	assert.ok(page.data.some((m) => m.id === model && m.type === 'model'));
	assert.equal((await client.models.retrieve(model)).id, model);
});

check('a message', async () => {
	const m = await client.messages.create(ask('hello'));
	assert.match(m.id, /^msg_/);
	assert.match(m._request_id, /^req_/);
	assert.ok(m.content[0].text && m.usage.output_tokens > 0);
	if (!real) assert.deepEqual([m.content, m.stop_reason, m.usage.input_tokens, m.usage.cache_read_input_tokens], [[{ type: 'text', text: 'Hello there' }], 'end_turn', 6, 4]);
});

check('a stream', async () => {
	const stream = client.messages.stream(ask('hello'));
	const events = [];
	stream.on('streamEvent', (event) => events.push(event.type));
	const m = await stream.finalMessage();
	assert.equal(events[0], 'message_start');
	assert.equal(events.at(-1), 'message_stop');
	assert.ok(m.content[0].text && m.usage.output_tokens > 0 && m.stop_reason);
	if (!real) assert.equal(m.content[0].text, 'Hello there');
});

check('tokens are counted', async () => {
	const { input_tokens } = await client.messages.countTokens({ model, messages: say('How many tokens are these?') });
	assert.ok(input_tokens > 5 && input_tokens < 50);
});

if (!real) {
	const tools = [{ name: weather.name, description: weather.description, input_schema: weather.schema }];

	check('thinking is shown to who asks for it', async () => {
		const m = await client.messages.stream(ask('think', { max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1024 } })).finalMessage();
		assert.deepEqual(m.content.map((b) => [b.type, b.thinking ?? b.text]), [['thinking', 'Let me see.'], ['text', 'Seen.']]);
		const plain = await client.messages.create(ask('think'));
		assert.deepEqual(plain.content, [{ type: 'text', text: 'Seen.' }]);
	});

	check('a tool, there and back', async () => {
		for (const create of [(body) => client.messages.create(body), (body) => client.messages.stream(body).finalMessage()]) {
			const first = await create(ask('weather', { tools }));
			const call = first.content.find((b) => b.type === 'tool_use');
			assert.deepEqual([first.stop_reason, call.name, call.input], ['tool_use', 'weather', { city: 'Rome' }]);
			const messages = [...say('weather'), { role: 'assistant', content: first.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'rain' }] }];
			const second = await create({ model, max_tokens: 200, tools, messages });
			assert.equal(second.content[0].text, 'The tool said: rain');
			messages.push({ role: 'assistant', content: second.content }, ...say('and the weather there?'));
			const third = await create({ model, max_tokens: 200, tools, messages });
			messages.push({ role: 'assistant', content: third.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: third.content.find((b) => b.type === 'tool_use').id, content: 'sun' }] });
			const fourth = await create({ model, max_tokens: 200, tools, messages });
			assert.equal(fourth.content[0].text, 'The tool said: sun');
		}
	});

	check('calls in turns', async () => {
		const both = [...tools, { name: 'clock', input_schema: { type: 'object' } }];
		const m = await client.messages.stream(ask('mixed', { tools: both })).finalMessage();
		assert.deepEqual(
			m.content.filter((b) => b.type === 'tool_use').map((b) => [b.id, b.name, b.input]),
			[
				['call_1', 'weather', { city: 'Rome' }],
				['call_2', 'clock', { zone: 'CET' }],
			],
		);
		const results = ['call_1', 'call_2'].map((id) => ({ type: 'tool_result', tool_use_id: id, content: 'fine' }));
		const messages = [...say('mixed'), { role: 'assistant', content: m.content }, { role: 'user', content: results }];
		assert.equal((await client.messages.create({ model, max_tokens: 200, tools: both, messages })).content[0].text, 'The tool said: fine');
	});

	check('JSON by a schema', async () => {
		const format = { type: 'json_schema', schema: { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'], additionalProperties: false } };
		const m = await client.messages.create(ask('json', { output_config: { format } }));
		assert.deepEqual(JSON.parse(m.content[0].text), { answer: 'yes' });
	});

	check('a stream that breaks', async () => {
		const stream = client.messages.stream(ask('break'));
		let text = '';
		stream.on('text', (piece) => {
			text += piece;
		});
		const err = await thrown(() => stream.finalMessage());
		assert.ok(err instanceof Anthropic.APIError, `${err}`);
		assert.deepEqual([text, err.error?.error?.type], ['Half', 'api_error']);
	});
}

check('a stream that is left', async () => {
	const stream = await client.messages.create({ ...ask('endless'), model: process.env.ENDLESS ?? model, stream: true });
	for await (const event of stream) if (event.type === 'content_block_delta') break;
});

check('errors are of their classes', async () => {
	const wrong = async (run, kind, type) => {
		const err = await thrown(run);
		assert.ok(err instanceof kind, `${err} is no ${kind.name}`);
		assert.equal(err.error.error.type, type);
	};
	await wrong(() => connect(endpoint, 'k2_live_wrong').messages.create(ask('hello')), Anthropic.AuthenticationError, 'authentication_error');
	await wrong(() => client.messages.create(ask('hello', { model: 'claude-none' })), Anthropic.NotFoundError, 'not_found_error');
	await wrong(() => client.messages.create(ask('hello', { temperature: 1.5 })), Anthropic.BadRequestError, 'invalid_request_error');
	if (limited) await wrong(() => connect(limited, key, { maxRetries: 0 }).messages.create(ask('hello')), Anthropic.RateLimitError, 'rate_limit_error');
});

check('the key may come as a bearer', async () => {
	const bearer = new Anthropic({ baseURL: endpoint, apiKey: null, authToken: key });
	assert.ok((await bearer.messages.create(ask('hello'))).id);
});

if (flaky) {
	check('a lost answer is given again', async () => {
		const m = await connect(flaky).messages.create(ask('hello'), { headers: { 'Idempotency-Key': 'anthropic-1' } });
		assert.deepEqual(m.content, [{ type: 'text', text: 'Hello there' }]);
	});
}

await report();
