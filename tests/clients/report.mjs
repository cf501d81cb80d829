// Small frame of the client scripts: named checks, one line each, exit code 1 when
// one fails.
import assert from 'node:assert/strict';

export { assert };

/** The server to speak to: ENDPOINT or the first argument, for example http://127.0.0.1:8080/graphql. */
export const endpoint = process.env.ENDPOINT ?? process.argv[2];
if (!endpoint) {
	console.error('name the server: ENDPOINT=http://127.0.0.1:8080/graphql');
	process.exit(2);
}

/** The same server by websocket. */
export const socketEndpoint = endpoint.replace(/^http/, 'ws');

/** The origin that a page of the server has; browsers send it by themselves. */
export const origin = new URL(endpoint).origin;

// With COOKIE every request is a page's whose browser holds that cookie.
if (process.env.COOKIE) {
	const plain = globalThis.fetch;
	globalThis.fetch = (input, init = {}) => {
		const headers = new Headers(init.headers);
		headers.set('cookie', process.env.COOKIE);
		headers.set('origin', origin);
		return plain(input, { ...init, headers });
	};
}

const LIMIT_MS = 15_000;
const checks = [];

/** Adds a check; `run` throws when it fails. */
export function check(name, run) {
	checks.push({ name, run });
}

/** Runs all checks in order, reports each, and ends the process. */
export async function report() {
	let failed = 0;
	for (const { name, run } of checks) {
		try {
			await within(run());
			console.log(`ok   ${name}`);
		} catch (err) {
			failed++;
			console.log(`FAIL ${name}: ${err?.stack ?? JSON.stringify(err)}`);
		}
	}
	console.log(`${checks.length - failed} of ${checks.length} passed`);
	process.exit(failed ? 1 : 0);
}

function within(promise) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`no end after ${LIMIT_MS} ms`)), LIMIT_MS);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
