// The audits of graphql-http: GraphQL over HTTP as its specification wants it.
import { auditServer } from 'graphql-http';
import { assert, check, endpoint, report } from './report.mjs';

check('all 61 audits', async () => {
	const results = await auditServer({ url: endpoint });
	const failed = results.filter((r) => r.status !== 'ok');
	assert.deepEqual(
		failed.map((r) => `${r.status} ${r.id} ${r.name}: ${r.reason}`),
		[],
	);
	assert.equal(results.length, 61);
});

await report();
