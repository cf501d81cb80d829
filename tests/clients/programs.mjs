// What the scripts of the compatible interfaces share. The engine behind them answers by
// what the last message says: see programEngine in the Go tests.
export const key = process.env.KEY;
/** A server where every request is one too many, and whose answer counts them. */
export const limited = process.env.LIMITED;
/** The same server behind a proxy that loses the first answer to each idempotency key. */
export const flaky = process.env.FLAKY;
export const model = process.env.MODEL;
/** With a real engine only its form is known, not what it says. */
export const real = process.env.REAL === '1';

export const weather = {
	name: 'weather',
	description: 'How the weather is in a city',
	schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

/** Whatever is thrown by `run`. */
export async function thrown(run) {
	try {
		await run();
	} catch (err) {
		return err;
	}
	throw new Error('nothing was thrown');
}
