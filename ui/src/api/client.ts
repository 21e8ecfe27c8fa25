/**
 * The typed client. Every request of the window goes through here, and from here through the platform: an HTTP request in a
 * browser, a command in the desktop application.
 */
import createClient from 'openapi-fetch';
import { platform } from '../platform';
import type { paths } from './schema';

/** Never dialled: it only makes URLs absolute, which `Request` demands. The platform is handed path and query alone. */
const BASE = 'http://selfheal';

async function viaPlatform(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const text = request.method === 'GET' ? '' : await request.text();
  const sent: unknown = text === '' ? null : JSON.parse(text);
  const answer = await platform().request(request.method, url.pathname + url.search, sent);
  const empty = answer.status === 204 || answer.status === 304;
  return new Response(empty ? null : JSON.stringify(answer.body ?? null), {
    status: answer.status,
    headers: { 'content-type': 'application/json' },
  });
}

export const client = createClient<paths>({ baseUrl: BASE, fetch: viaPlatform });
