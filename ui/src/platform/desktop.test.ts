import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { emit } from '@tauri-apps/api/event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { desktopPlatform } from './desktop';

afterEach(() => clearMocks());

const handlers = () => ({ event: vi.fn(), resync: vi.fn(), status: vi.fn() });

describe('desktopPlatform', () => {
  it('sends every request through the one command', async () => {
    const seen: unknown[] = [];
    mockIPC((command, given) => {
      seen.push([command, given]);
      return { status: 200, body: { ok: true } };
    });
    const answer = await desktopPlatform().request('POST', '/api/v1/incidents/7/wake', {});
    expect(answer).toEqual({ status: 200, body: { ok: true } });
    expect(seen).toEqual([['api', { method: 'POST', path: '/api/v1/incidents/7/wake', body: {} }]]);
  });

  it('delivers live events, and none after the stop', async () => {
    mockIPC(() => {}, { shouldMockEvents: true });
    const given = handlers();
    const stop = desktopPlatform().onLive(given);
    await vi.waitFor(() => expect(given.status).toHaveBeenLastCalledWith({ kind: 'live' }));
    await emit('live', { kind: 'open_incident', incident: '7' });
    expect(given.event).toHaveBeenCalledWith({ kind: 'open_incident', incident: '7' });
    stop();
    await emit('live', { kind: 'automation_changed' });
    expect(given.event).toHaveBeenCalledTimes(1);
  });

  it('says that it is lost when it cannot listen', async () => {
    mockIPC(() => {
      throw new Error('not allowed');
    });
    const given = handlers();
    desktopPlatform().onLive(given);
    await vi.waitFor(() => expect(given.status).toHaveBeenLastCalledWith({ kind: 'lost', since: expect.any(Number) }));
  });
});
