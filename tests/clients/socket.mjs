// A websocket that says where it comes from, as browsers do.
import { WebSocket } from 'ws';
import { origin } from './report.mjs';

export class PageSocket extends WebSocket {
	constructor(url, protocols) {
		super(url, protocols, { origin, headers: process.env.COOKIE ? { cookie: process.env.COOKIE } : {} });
	}
}
