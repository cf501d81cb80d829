// What the client scripts ask. Another server than the one of the Go tests has
// another schema: name a JSON file in OPERATIONS with any of these, each
// {query, variables, data}; what it leaves out is not checked.
//   query, mutation   run once; with `data`, that must be the answer
//   subscription      runs to its end; with `data`, a list, these are its events
//   endless           a subscription that does not end by itself
//   invalid           a query that the schema refuses
import { readFileSync } from 'node:fs';

const testSchema = {
	query: {
		query: 'query Hello($name: String) { hello(name: $name) }',
		variables: { name: 'you' },
		data: { hello: 'hello you' },
	},
	mutation: { query: 'mutation Add { add(n: 0) }', data: { add: 0 } },
	subscription: {
		query: 'subscription Counter { counter(to: 3) }',
		data: [{ counter: 1 }, { counter: 2 }, { counter: 3 }],
	},
	endless: { query: 'subscription Silence { silence }' },
	invalid: { query: 'query Wrong { nothing }' },
};

export const operations = process.env.OPERATIONS
	? JSON.parse(readFileSync(process.env.OPERATIONS, 'utf8'))
	: testSchema;
