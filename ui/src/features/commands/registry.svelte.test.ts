import { render } from '@testing-library/svelte';
import { flushSync } from 'svelte';
import { describe, expect, it } from 'vitest';
import Provider from './Provider.test.svelte';
import { commands } from './registry.svelte';

const ids = () => commands().map((command) => command.id);

describe('provideCommands', () => {
  it('swaps one screen’s commands for the next one’s, also when both change at once', () => {
    const { rerender, unmount } = render(Provider, { which: 'one' });
    expect(ids()).toEqual(['one']);
    void rerender({ which: 'two' });
    flushSync();
    expect(ids()).toEqual(['two']);
    unmount();
    expect(ids()).toEqual([]);
  });
});
