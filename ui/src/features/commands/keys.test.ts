import { describe, expect, it } from 'vitest';
import { isTyping, keyName, match, ownsKey, SEQUENCE_MS, showKeys, type Pending } from './keys';
import type { Command } from './registry.svelte';

const command = (id: string, ...keys: string[]): Command => ({ id, title: id, group: 'Window', keys, run: () => {} });
const list = [command('approve', 'a'), command('inbox', 'g i'), command('down', 'j', 'down'), command('palette', 'mod+k')];
const press = (key: string, extra = {}) => keyName({ key, ctrlKey: false, metaKey: false, altKey: false, ...extra });

describe('keyName', () => {
  it.each([
    [press('a'), 'a'],
    [press('?'), '?'],
    [press('Escape'), 'esc'],
    [press('ArrowDown'), 'down'],
    [press('k', { ctrlKey: true }), 'mod+k'],
    [press('K', { metaKey: true }), 'mod+k'],
    [press('Enter', { ctrlKey: true }), 'mod+enter'],
  ])('%s', (name, want) => expect(name).toBe(want));
});

describe('match', () => {
  const g: Pending = { keys: 'g', at: 1000 };

  it.each<[string, string, Pending | null, number, string | null, string | null]>([
    ['a single key', 'a', null, 0, 'approve', null],
    ['an alias', 'down', null, 0, 'down', null],
    ['the start of a sequence', 'g', null, 1000, null, 'g'],
    ['the end of a sequence', 'i', g, 1500, 'inbox', null],
    ['the end, too late', 'i', g, 1001 + SEQUENCE_MS, null, null],
    ['something else after the start', 'a', g, 1500, 'approve', null],
    ['nothing', 'q', null, 0, null, null],
  ])('%s', (_name, key, before, now, id, pending) => {
    const found = match(list, key, before, now);
    expect(found.command?.id ?? null).toBe(id);
    expect(found.pending?.keys ?? null).toBe(pending);
  });

  it('prefers the innermost screen', () => {
    expect(match([...list, command('inner', 'a')], 'a', null, 0).command?.id).toBe('inner');
  });
});

describe('isTyping', () => {
  it('leaves letters to fields, but not escape or shortcuts with a modifier', () => {
    const field = document.createElement('input');
    expect(isTyping(field, 'a')).toBe(true);
    expect(isTyping(field, 'esc')).toBe(false);
    expect(isTyping(field, 'mod+k')).toBe(false);
    expect(isTyping(document.body, 'a')).toBe(false);
  });
});

describe('showKeys', () => {
  it.each([
    ['mod+k', false, ['Ctrl', 'k']],
    ['mod+k', true, ['⌘', 'k']],
    ['g i', false, ['g', 'i']],
    ['esc', false, ['Esc']],
  ])('%s', (keys, mac, want) => expect(showKeys(keys, mac)).toEqual(want));
});

describe('ownsKey', () => {
  const make = (html: string) => {
    document.body.innerHTML = html;
    return document.body.firstElementChild;
  };

  it.each<[string, string, string, boolean]>([
    ['a button', '<button>x</button>', 'enter', true],
    ['a link', '<a href="/">x</a>', 'enter', true],
    ['a row', '<a href="/" data-row tabindex="0">x</a>', 'enter', false],
    ['a row', '<a href="/" data-row tabindex="0">x</a>', 'down', false],
    ['a region that scrolls', '<div tabindex="0"></div>', 'down', true],
    ['a region that scrolls', '<div tabindex="0"></div>', 'enter', false],
    ['a button', '<button>x</button>', 'j', false],
  ])('%s %s by %s', (_name, html, key, want) => expect(ownsKey(make(html), key)).toBe(want));
});
