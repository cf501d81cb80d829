// graphql-ws: operations of every kind over one websocket.
import { createClient } from 'graphql-ws';
import { operations } from './operations.mjs';
import { assert, check, report, socketEndpoint } from './report.mjs';
import { PageSocket } from './socket.mjs';

function connect(options = {}) {
	return createClient({ url: socketEndpoint, webSocketImpl: PageSocket, retryAttempts: 0, ...options });
}

async function collect(client, operation) {
	const events = [];
	for await (const event of client.iterate(operation)) {
		assert.equal(event.errors, undefined, JSON.stringify(event.errors));
		events.push(event.data);
	}
	return events;
}

for (const kind of ['query', 'mutation', 'subscription']) {
	const operation = operations[kind];
	if (!operation) continue;
	check(`a ${kind}`, async () => {
		const client = connect();
		const events = await collect(client, operation);
		if (operation.data) assert.deepEqual(events, [operation.data].flat());
		await client.dispose();
	});
}

if (operations.invalid) {
	check('errors of the document', async () => {
		const client = connect();
		await assert.rejects(collect(client, operations.invalid), (errors) => {
			assert.ok(Array.isArray(errors) && errors[0].message && errors[0].extensions.code, JSON.stringify(errors));
			return true;
		});
		await client.dispose();
	});
}

if (operations.endless) {
	check('an operation that the client ends, and its id again', async () => {
		const client = connect({ lazy: false, generateID: () => 'same' });
		for (let i = 0; i < 2; i++) {
			await new Promise((resolve, reject) => {
				const stop = client.subscribe(operations.endless, { next() {}, error: reject, complete: resolve });
				stop();
			});
		}
		if (operations.query) await collect(client, operations.query);
		await client.dispose();
	});

	check('pings of the client', async () => {
		let client;
		await new Promise((resolve, reject) => {
			client = connect({
				lazy: false,
				keepAlive: 50,
				on: { pong: (received) => received && resolve(), closed: reject },
			});
		});
		await client.dispose();
	});
}

check('a legacy client is turned away', async () => {
	const socket = new PageSocket(socketEndpoint, 'graphql-ws');
	const code = await new Promise((resolve) => {
		socket.on('close', resolve);
		socket.on('error', () => resolve('refused'));
	});
	assert.ok(code === 4406 || code === 'refused', String(code));
});

await report();
