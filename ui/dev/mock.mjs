/**
 * A stand-in for the engine, for looking at the window: `npm run build && npm run mock`.
 * Modes by environment: MODE=demo (default), full, quiet, bare, broken, deny; PORT; MANY=n adds n closed incidents;
 * BRAKE=1 pulls the emergency brake, STALE=1 lets every plan go stale before it is approved.
 * Serves build/ under the same content security policy as the engine.
 */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import * as maintenance from './maintenance.mjs';
import { audit, chain, overview } from './overview.mjs';
import { queue } from './queue.mjs';
import { many, rows } from './rows.mjs';
import { doing, remember, view } from './view.mjs';

const MODE = process.env['MODE'] ?? 'demo';
const PORT = Number(process.env['PORT'] ?? 4870);
const BUILD = new URL('../build/', import.meta.url).pathname;
const CSP =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ipc: http://ipc.localhost";
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

let list = MODE === 'bare' ? [] : rows();
if (MODE === 'quiet') list = list.filter((row) => row.group === 'recently_fixed');
list = [...list, ...many(Number(process.env['MANY'] ?? 0))];
if (MODE === 'quiet' || MODE === 'bare') maintenance.clear();
let automation = {
  posture: 'on',
  brake: process.env['BRAKE'] ? 'the file /home/ana/.selfheal/pause is there: nothing runs until it is removed' : null,
  effective: process.env['BRAKE'] ? 'paused' : MODE === 'broken' ? 'observe' : 'on',
  ceiling: MODE === 'broken' ? 'observe' : 'on',
  until: null,
  set_by: 'ana',
  set_at: new Date(Date.now() - 7200e3).toISOString(),
  reason: null,
  can_change: { allowed: true, reason: null },
};
const listeners = new Set();
const tell = (event) => listeners.forEach((response) => response.write(`data: ${JSON.stringify(event)}\n\n`));

let running = null;
function whole() {
  const made = overview(MODE, list, automation);
  return { ...made, demo: made.demo?.map((scenario) => ({ ...scenario, running: scenario.name === running })) ?? null };
}

const problem = (code, what, why, next) => ({ code, what, why, next });

function page(url) {
  const [group, q, limit, after] = ['group', 'q', 'limit', 'after'].map((name) => url.searchParams.get(name));
  const fit = list.filter(
    (row) =>
      (!group || row.group === group) && (!q || `${row.title} ${row.service}`.toLowerCase().includes(q.toLowerCase())),
  );
  const from = after ? fit.findIndex((row) => row.id === after) + 1 : 0;
  const incidents = fit.slice(from, from + Number(limit ?? 50));
  return { incidents, next: from + incidents.length < fit.length ? (incidents.at(-1)?.id ?? null) : null };
}

const CHANGES = {
  approve: { state: 'healing', state_words: 'Healing', group: 'in_progress' },
  reject: { state: 'escalated', state_words: 'With a person', group: 'needs_you' },
  acknowledge: { acknowledged_by: 'ana' },
  snooze: { state: 'snoozed', state_words: 'Snoozed', group: 'in_progress' },
  wake: { state: 'escalated', state_words: 'With a person', group: 'needs_you' },
  escalate: { state: 'escalated', state_words: 'With a person', group: 'needs_you' },
  resolve: {
    state: 'resolved',
    state_words: 'Resolved by ana',
    group: 'recently_fixed',
    resolved_by: 'person',
    resolved_at: new Date().toISOString(),
  },
  note: {},
  edit: {},
  choose: { state: 'awaiting_approval', state_words: 'Waits for approval', group: 'needs_you' },
};

function api(method, url, body) {
  const parts = url.pathname.split('/').slice(3).map(decodeURIComponent);
  const [what, id, verb] = parts;
  if (what === 'overview') return [200, whole()];
  if (what === 'audit' && id === 'verify') return [200, chain(MODE)];
  if (what === 'audit') {
    const [incident, limit, before] = ['incident', 'limit', 'before'].map((name) => url.searchParams.get(name));
    return [200, { entries: MODE === 'bare' ? [] : audit(incident, limit, before) }];
  }
  if (what === 'queue') return [200, queue(list)];
  if (what === 'maintenance') {
    if (method === 'GET') return [200, maintenance.page()];
    if (method === 'POST' && body.service === 'nowhere')
      return [
        400,
        problem(
          'invalid',
          'The maintenance cannot be announced',
          '`nowhere` is no service of the inventory',
          'Name one, or leave it out for all.',
        ),
      ];
    const changed = method === 'POST' ? maintenance.announce(body) : maintenance.end(id);
    tell({ kind: 'automation_changed' });
    return [200, changed];
  }
  if (what === 'automation') {
    const until = body.minutes ? new Date(Date.now() + body.minutes * 60e3).toISOString() : null;
    automation = { ...automation, posture: body.posture, effective: body.posture, until, set_at: new Date().toISOString() };
    tell({ kind: 'automation_changed' });
    return [200, automation];
  }
  if (what === 'demo') {
    const fresh = { ...rows()[0], id: `demo_${Date.now()}`, title: `Demo: ${id}`, opened_at: new Date().toISOString() };
    list = [fresh, ...list];
    tell({ kind: 'incident_changed', incident: fresh.id, state: fresh.state });
    running = id;
    setTimeout(() => (running = null), 15_000);
    return [200, whole()];
  }
  if (what !== 'incidents') return [404, problem('not_found', 'No such endpoint.', url.pathname, 'Check the path.')];
  if (id === undefined) return [200, page(url)];
  const row = list.find((one) => one.id === id);
  if (!row)
    return [
      404,
      problem(
        'incident_not_found',
        'There is no such incident.',
        `No incident has the id ${id}.`,
        'Go back to the inbox; it may have expired.',
      ),
    ];
  if (method === 'GET') return [200, view(row)];
  if (verb === 'approve' && process.env['STALE'])
    return [
      409,
      problem(
        'plan_stale',
        'The plan has gone stale.',
        'web-1 has restarted since it was made.',
        'Read the new plan and approve it.',
      ),
    ];
  if (verb === 'choose' && body.action !== null && body.action !== 'service.restart')
    return [
      409,
      problem(
        'no_plan',
        'This cannot be planned',
        `a target of kind process takes no ${body.action}`,
        'Choose another action, or do it by hand.',
      ),
    ];
  if (verb === 'choose') remember(id, { plan: { chosen_by: 'ana', action_words: `Restart ${row.service} on web-1` } });
  if (verb === 'edit') {
    const value = body.parameters['stop_timeout_seconds'];
    const parameters = view(row).plan.parameters.map((parameter) => ({ ...parameter, value }));
    remember(id, { given: [], plan: { chosen_by: 'ana', hash: `h_${value}`, parameters } });
  }
  const half = verb === 'approve' && id === 'inc_103' && doing(id).given.length === 0;
  if (half) remember(id, { given: ['ana'] });
  const changed = { ...row, ...(half ? {} : CHANGES[verb]), updated_at: new Date().toISOString() };
  list = list.map((one) => (one.id === id ? changed : one));
  tell({ kind: 'incident_changed', incident: id, state: changed.state });
  return [200, view(changed)];
}

async function file(pathname) {
  const name = normalize(pathname).replace(/^(\.\.[/\\])+/, '');
  try {
    return [extname(name), await readFile(join(BUILD, name))];
  } catch {
    return ['.html', await readFile(join(BUILD, 'index.html'))];
  }
}

createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  if (!url.pathname.startsWith('/api/')) {
    const [extension, content] = await file(url.pathname);
    response.writeHead(200, {
      'content-type': TYPES[extension] ?? 'application/octet-stream',
      'content-security-policy': CSP,
    });
    return response.end(content);
  }
  if (MODE === 'deny' && request.headers.authorization !== 'Bearer good') {
    response.writeHead(401, { 'content-type': 'application/json' });
    return response.end(JSON.stringify(problem('unauthorised', 'No valid token.', 'None was sent.', 'Send one.')));
  }
  if (url.pathname === '/api/v1/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': hello\n\n');
    listeners.add(response);
    const beat = setInterval(() => response.write(': beat\n\n'), 15_000);
    return request.on('close', () => (clearInterval(beat), listeners.delete(response)));
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const [status, answer] = api(request.method, url, chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {});
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
}).listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/ (${MODE})`));
