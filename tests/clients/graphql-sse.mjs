// graphql-sse: operations of every kind over event streams.
import { createClient } from 'graphql-sse';
import { operations } from './operations.mjs';
import { assert, check, endpoint, report } from './report.mjs';

const client = createClient({ url: endpoint, retryAttempts: 0 });

async function collect(operation) {
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
		const events = await collect(operation);
		if (operation.data) assert.deepEqual(events, [operation.data].flat());
	});
}

if (operations.invalid) {
	check('errors of the document', async () => {
		const events = [];
		for await (const event of client.iterate(operations.invalid)) events.push(event);
		assert.equal(events.length, 1);
		assert.ok(events[0].errors[0].message && !('data' in events[0]), JSON.stringify(events));
	});
}

if (operations.endless) {
	check('an operation that the client ends, after heartbeats', async () => {
		const failed = await new Promise((resolve) => {
			const stop = client.subscribe(operations.endless, { next() {}, error: resolve, complete: () => resolve(null) });
			setTimeout(stop, 300);
		});
		assert.equal(failed, null);
	});
}

await report();
