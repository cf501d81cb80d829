// relay-compiler: the schema file in SCHEMA is one that Relay can work with, and
// the operations compile against it.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import compiler from 'relay-compiler';
import { operations } from './operations.mjs';

const schema = process.env.SCHEMA;
if (!schema) {
	console.error('name the schema file: SCHEMA=schema.graphql');
	process.exit(2);
}

const root = mkdtempSync(join(tmpdir(), 'relay-'));
const source = join(root, 'src');
mkdirSync(source);
copyFileSync(schema, join(root, 'schema.graphql'));

// Relay wants an operation to be called after its module and its kind.
const suffixes = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' };
const expected = [];
for (const [kind, suffix] of Object.entries(suffixes)) {
	if (!operations[kind]) continue;
	const name = `${kind}${suffix}`;
	const text = operations[kind].query.replace(new RegExp(`^\\s*${kind}(\\s+\\w+)?`), `${kind} ${name}`);
	writeFileSync(join(source, `${kind}.js`), `import { graphql } from 'relay-runtime';\nexport default graphql\`${text}\`;\n`);
	expected.push(`${name}.graphql.js`);
}
const config = { src: source, schema: join(root, 'schema.graphql'), language: 'javascript' };
writeFileSync(join(root, 'relay.config.json'), JSON.stringify(config));
writeFileSync(join(root, 'package.json'), '{}');

const run = spawnSync(compiler, [join(root, 'relay.config.json')], { cwd: root, encoding: 'utf8' });
console.log(run.stdout, run.stderr);
let written = [];
try {
	written = readdirSync(join(source, '__generated__')).sort();
} catch {
	// nothing was written: reported below
}
rmSync(root, { recursive: true });
if (run.status !== 0 || expected.some((file) => !written.includes(file))) {
	console.log(`FAIL relay-compiler ended with ${run.status} and wrote [${written}], not [${expected}]`, run.error ?? '');
	process.exit(1);
}
console.log(`ok   ${written.length} operations compiled`);
