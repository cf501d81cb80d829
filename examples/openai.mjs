// The official OpenAI library: only the address and the key are others.
import OpenAI from 'openai';

const client = new OpenAI({
	baseURL: `${process.env.KIMI_URL ?? 'http://localhost:8080'}/v1`,
	apiKey: process.env.KIMI_API_KEY,
});

const stream = await client.chat.completions.create({
	model: process.env.KIMI_MODEL ?? (await client.models.list()).data[0].id,
	messages: [{ role: 'user', content: process.argv[2] ?? 'Say hello in one sentence.' }],
	stream: true,
	stream_options: { include_usage: true },
});
for await (const { choices, usage } of stream) {
	process.stdout.write(choices[0]?.delta.content ?? '');
	if (usage) console.log(`\n${usage.prompt_tokens} tokens read, ${usage.completion_tokens} written`);
}
