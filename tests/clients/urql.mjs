// urql: queries by POST and GET, subscriptions over the websocket and, without a
// client of their own, over event streams.
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import { operations } from './operations.mjs';
import { assert, check, endpoint, report, socketEndpoint } from './report.mjs';
import { PageSocket } from './socket.mjs';

const socket = createClient({ url: socketEndpoint, webSocketImpl: PageSocket });
const overSocket = subscriptionExchange({
	forwardSubscription: (request) => ({
		subscribe: (sink) => ({
			unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink),
		}),
	}),
});

const base = { url: endpoint, requestPolicy: 'network-only' };
const post = new Client({ ...base, preferGetMethod: false, exchanges: [fetchExchange, overSocket] });
const get = new Client({ ...base, preferGetMethod: 'force', exchanges: [fetchExchange] });
const streaming = new Client({ ...base, preferGetMethod: false, fetchSubscriptions: true, exchanges: [fetchExchange] });
const bare = (data) => JSON.parse(JSON.stringify(data, (key, value) => (key === '__typename' ? undefined : value)));

function same(result, data) {
	assert.equal(result.error, undefined, String(result.error));
	if (data) assert.deepEqual(bare(result.data), data);
}

if (operations.query) {
	const { query, variables, data } = operations.query;
	check('a query by POST', async () => same(await post.query(query, variables), data));
	check('a query by GET', async () => same(await get.query(query, variables), data));
}

if (operations.mutation) {
	const { query, variables, data } = operations.mutation;
	check('a mutation', async () => same(await post.mutation(query, variables), data));
}

if (operations.subscription) {
	const { query, variables, data } = operations.subscription;
	for (const [name, client] of Object.entries({ websocket: post, 'event stream': streaming })) {
		check(`a subscription by ${name}`, async () => {
			const events = [];
			await new Promise((resolve, reject) => {
				client.subscription(query, variables).subscribe((result) => {
					if (result.error) reject(result.error);
					else events.push(bare(result.data));
					if (!data || events.length === data.length) resolve();
				});
			});
			if (data) assert.deepEqual(events, data);
		});
	}
}

if (operations.invalid) {
	check('errors of the document', async () => {
		const { error } = await post.query(operations.invalid.query, {});
		assert.ok(error?.graphQLErrors[0]?.extensions.code, String(error));
	});
}

await report();
