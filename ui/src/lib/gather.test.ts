import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gather } from './gather';

describe('gather', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs once for a burst, and again for the next', () => {
    const run = vi.fn();
    const call = gather(100, run);
    call();
    call();
    vi.advanceTimersByTime(100);
    expect(run).toHaveBeenCalledTimes(1);
    call();
    vi.advanceTimersByTime(100);
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('is not put off by a steady stream', () => {
    const run = vi.fn();
    const call = gather(100, run);
    for (let i = 0; i < 40; i++) {
      call();
      vi.advanceTimersByTime(50);
    }
    expect(run.mock.calls.length).toBeGreaterThanOrEqual(19);
  });

  it('can be called off', () => {
    const run = vi.fn();
    const call = gather(100, run);
    call();
    call.cancel();
    vi.advanceTimersByTime(200);
    expect(run).not.toHaveBeenCalled();
  });
});
