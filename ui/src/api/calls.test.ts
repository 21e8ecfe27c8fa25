import { beforeEach, describe, expect, it } from 'vitest';
import { usePlatform, type Answer } from '../platform';
import { acknowledge, getIncident, listIncidents, setAutomation } from './calls';
import { ApiError, problemOf } from './problem';

let sent: [string, string, unknown][];
let answer: Answer | Error;

beforeEach(() => {
  sent = [];
  answer = { status: 200, body: {} };
  usePlatform({
    name: 'browser',
    request: async (...request) => {
      sent.push(request);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onLive: () => () => {},
  });
});

describe('calls', () => {
  it('hands path, query and body to the platform', async () => {
    await listIncidents({ group: 'needs_you', q: 'a b', limit: 100 });
    await getIncident('inc/1');
    await acknowledge('inc_1');
    await setAutomation('paused', 15, null);
    expect(sent).toEqual([
      ['GET', '/api/v1/incidents?group=needs_you&q=a%20b&limit=100', null],
      ['GET', '/api/v1/incidents/inc%2F1', null],
      ['POST', '/api/v1/incidents/inc_1/acknowledge', {}],
      ['PUT', '/api/v1/automation', { posture: 'paused', minutes: 15, reason: null }],
    ]);
  });

  it('throws the engine’s own problem', async () => {
    const problem = { code: 'gone', what: 'a', why: 'b', next: 'c' };
    answer = { status: 404, body: problem };
    const error = await getIncident('x').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 404, problem });
  });

  it.each([
    ['an answer without a problem', { status: 500, body: 'oops' }, 'http_500'],
    ['no answer', new Error('refused'), 'unreachable'],
  ])('words %s', async (_name, given, code) => {
    answer = given;
    const problem = problemOf(await getIncident('x').catch((caught: unknown) => caught));
    expect(problem.code).toBe(code);
    for (const part of [problem.what, problem.why, problem.next]) expect(part).not.toBe('');
  });
});
