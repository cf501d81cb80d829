// Apollo Client: the question over HTTP, the answer over a websocket.
import { randomUUID } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const uri = `${process.env.KIMI_URL ?? 'http://localhost:8080'}/graphql`;
const authorization = `Bearer ${process.env.KIMI_API_KEY}`;
const socket = createClient({
	url: uri.replace(/^http/, 'ws'),
	webSocketImpl: WebSocket,
	connectionParams: { authorization },
});
const client = new ApolloClient({
	cache: new InMemoryCache(),
	link: ApolloLink.split(
		({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
		new GraphQLWsLink(socket),
		new HttpLink({ uri, headers: { authorization } }),
	),
});

// clientId makes the send safe to repeat: the same id never sends twice.
const { data } = await client.mutate({
	mutation: gql`
		mutation Send($input: MessageSendInput!) {
			messageSend(input: $input) {
				reply { id }
				userErrors { code message }
			}
		}
	`,
	variables: { input: { clientId: randomUUID(), text: process.argv[2] ?? 'Say hello in one sentence.' } },
});
const { reply, userErrors } = data.messageSend;
if (!reply) throw new Error(userErrors[0].message);

const events = client.subscribe({
	query: gql`
		subscription Follow($id: ID!) {
			replyEvents(replyId: $id, afterSeq: 0) {
				... on ReplyDelta { seq text }
				... on ReplyFinished { usage { promptTokens outputTokens } credits }
				... on ReplyFailed { error { code message } }
			}
		}
	`,
	variables: { id: reply.id },
});
await new Promise((resolve, reject) => {
	events.subscribe({
		next({ data, error }) {
			if (error) return reject(error);
			const event = data.replyEvents;
			if (event.__typename === 'ReplyDelta') process.stdout.write(event.text);
			if (event.__typename === 'ReplyFailed') reject(new Error(event.error.message));
			if (event.__typename === 'ReplyFinished') {
				const { promptTokens, outputTokens } = event.usage;
				console.log(`\n${promptTokens} tokens read, ${outputTokens} written, ${event.credits} credits`);
			}
		},
		error: reject,
		complete: resolve,
	});
});
await socket.dispose();
