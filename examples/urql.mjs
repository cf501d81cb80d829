// urql: everything over HTTP, subscriptions as event streams, no other package.
import { randomUUID } from 'node:crypto';
import { Client, fetchExchange, gql } from '@urql/core';

const client = new Client({
	url: `${process.env.KIMI_URL ?? 'http://localhost:8080'}/graphql`,
	preferGetMethod: false,
	exchanges: [fetchExchange],
	fetchSubscriptions: true,
	fetchOptions: { headers: { authorization: `Bearer ${process.env.KIMI_API_KEY}` } },
});

const send = gql`
	mutation Send($input: MessageSendInput!) {
		messageSend(input: $input) {
			reply { id }
			userErrors { code message }
		}
	}
`;
// clientId makes the send safe to repeat: the same id never sends twice.
const input = { clientId: randomUUID(), text: process.argv[2] ?? 'Say hello in one sentence.' };
const sent = await client.mutation(send, { input });
if (sent.error) throw sent.error;
const { reply, userErrors } = sent.data.messageSend;
if (!reply) throw new Error(userErrors[0].message);

const follow = gql`
	subscription Follow($id: ID!) {
		replyEvents(replyId: $id, afterSeq: 0) {
			__typename
			... on ReplyDelta { seq text }
			... on ReplyFinished { usage { promptTokens outputTokens } credits }
			... on ReplyFailed { error { code message } }
		}
	}
`;
await new Promise((resolve, reject) => {
	client.subscription(follow, { id: reply.id }).subscribe(({ data, error, hasNext }) => {
		if (error) return reject(error);
		if (!hasNext) return resolve();
		const event = data.replyEvents;
		if (event.__typename === 'ReplyDelta') process.stdout.write(event.text);
		if (event.__typename === 'ReplyFailed') reject(new Error(event.error.message));
		if (event.__typename === 'ReplyFinished') {
			const { promptTokens, outputTokens } = event.usage;
			console.log(`\n${promptTokens} tokens read, ${outputTokens} written, ${event.credits} credits`);
		}
	});
});
