// Ask, and print the answer as it comes over one websocket.
import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const client = createClient({
	url: `${process.env.KIMI_URL ?? 'http://localhost:8080'}/graphql`.replace(/^http/, 'ws'),
	webSocketImpl: WebSocket,
	connectionParams: { authorization: `Bearer ${process.env.KIMI_API_KEY}` },
});

async function* run(query, variables) {
	for await (const { data, errors } of client.iterate({ query, variables })) {
		if (errors) throw new Error(errors[0].message);
		yield data;
	}
}

// clientId makes the send safe to repeat: the same id never sends twice.
const input = { clientId: randomUUID(), text: process.argv[2] ?? 'Say hello in one sentence.' };
const send = `mutation($input: MessageSendInput!) {
	messageSend(input: $input) { reply { id } userErrors { code message } }
}`;
const { value } = await run(send, { input }).next();
const { reply, userErrors } = value.messageSend;
if (!reply) throw new Error(userErrors[0].message);

const follow = `subscription($id: ID!) {
	replyEvents(replyId: $id, afterSeq: 0) {
		__typename
		... on ReplyDelta { seq text }
		... on ReplyFinished { usage { promptTokens outputTokens } credits }
		... on ReplyFailed { error { code message } }
	}
}`;
for await (const { replyEvents: event } of run(follow, { id: reply.id })) {
	if (event.__typename === 'ReplyDelta') process.stdout.write(event.text);
	if (event.__typename === 'ReplyFailed') throw new Error(event.error.message);
	if (event.__typename === 'ReplyFinished') {
		const { promptTokens, outputTokens } = event.usage;
		console.log(`\n${promptTokens} tokens read, ${outputTokens} written, ${event.credits} credits`);
	}
}
await client.dispose();
