import { describe, expect, it } from 'vitest';
import { keepToken, takeToken, tokenFromText, type TokenHost } from './token';

function host(href: string, stored: string | null = null) {
  const store = new Map<string, string>(stored === null ? [] : [['selfheal.token', stored]]);
  const replaced: string[] = [];
  const made: TokenHost = {
    location: { href },
    history: { state: { a: 1 }, replaceState: (_state, _unused, url) => void replaced.push(url) },
    sessionStorage: {
      getItem: (key) => store.get(key) ?? null,
      setItem: (key, value) => void store.set(key, value),
    },
  };
  return { made, replaced };
}

describe('takeToken', () => {
  it.each([
    ['http://h:1/#token=abc', 'abc', 'http://h:1/'],
    ['http://h:1/?incident=7#token=a%2Bb', 'a+b', 'http://h:1/?incident=7'],
    ['http://h:1/#x=1&token=abc', 'abc', 'http://h:1/#x=1'],
  ])('takes %s and cleans the address', (href, token, cleaned) => {
    const { made, replaced } = host(href);
    expect(takeToken(made)).toBe(token);
    expect(replaced).toEqual([cleaned]);
  });

  it('uses the stored token and leaves the address alone when none arrives', () => {
    const { made, replaced } = host('http://h:1/?q=api', 'old');
    expect(takeToken(made)).toBe('old');
    expect(replaced).toEqual([]);
  });

  it('replaces a stored token by one that arrives, but not by an empty one', () => {
    expect(takeToken(host('http://h:1/#token=new', 'old').made)).toBe('new');
    expect(takeToken(host('http://h:1/#token=', 'old').made)).toBe('old');
  });

  it('has none when nothing was given, and keeps one that is typed', () => {
    const { made } = host('http://h:1/');
    expect(takeToken(made)).toBeNull();
    keepToken(made, 'typed');
    expect(takeToken(made)).toBe('typed');
  });
});

describe('tokenFromText', () => {
  it.each([
    ['  abc ', 'abc'],
    ['http://127.0.0.1:7070/#token=abc', 'abc'],
    ['http://127.0.0.1:7070/#token=a%2Bb', 'a+b'],
  ])('reads %s', (text, token) => expect(tokenFromText(text)).toBe(token));
});
