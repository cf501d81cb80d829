// Apollo Client: queries and mutations over HTTP, also by hash, subscriptions over
// the websocket.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { operations } from './operations.mjs';
import { assert, check, endpoint, report, socketEndpoint } from './report.mjs';
import { PageSocket } from './socket.mjs';

const socket = createClient({ url: socketEndpoint, webSocketImpl: PageSocket });
const http = new HttpLink({ uri: endpoint });

function connect(single) {
	return new ApolloClient({
		cache: new InMemoryCache(),
		link: ApolloLink.split(
			({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
			new GraphQLWsLink(socket),
			single,
		),
	});
}

const client = connect(http);
const bare = (data) => JSON.parse(JSON.stringify(data, (key, value) => (key === '__typename' ? undefined : value)));

if (operations.query) {
	const { query, variables, data } = operations.query;
	check('a query', async () => {
		const result = await client.query({ query: gql(query), variables });
		assert.equal(result.error, undefined);
		if (data) assert.deepEqual(bare(result.data), data);
	});
	check('a query by a hash that nobody knows, then in full', async () => {
		const hash = new PersistedQueryLink({ sha256: (text) => createHash('sha256').update(text).digest('hex') });
		const result = await connect(hash.concat(http)).query({ query: gql(query), variables });
		if (data) assert.deepEqual(bare(result.data), data);
	});
	check('a query by GET', async () => {
		const get = new HttpLink({ uri: endpoint, useGETForQueries: true });
		const result = await connect(get).query({ query: gql(query), variables });
		if (data) assert.deepEqual(bare(result.data), data);
	});
}

if (operations.mutation) {
	check('a mutation', async () => {
		const { query, variables, data } = operations.mutation;
		const result = await client.mutate({ mutation: gql(query), variables });
		if (data) assert.deepEqual(bare(result.data), data);
	});
}

if (operations.subscription) {
	check('a subscription', async () => {
		const { query, variables, data } = operations.subscription;
		const events = [];
		await new Promise((resolve, reject) => {
			client.subscribe({ query: gql(query), variables }).subscribe({
				next: (event) => (event.error ? reject(event.error) : events.push(bare(event.data))),
				error: reject,
				complete: resolve,
			});
		});
		if (data) assert.deepEqual(events, data);
	});
}

if (operations.invalid) {
	check('errors of the document', async () => {
		await assert.rejects(client.query({ query: gql(operations.invalid.query) }), (err) => CombinedGraphQLErrors.is(err));
	});
}

await report();
