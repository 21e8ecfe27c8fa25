import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guardEdge } from './edge';
import { visible } from './visible';

interface Case {
  what: string;
  text: string;
  shown: string;
}

const file = resolve(import.meta.dirname, '../../../crates/core/src/visible_cases.json');
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

describe('foreign text', () => {
  it.each(cases)('$what', ({ text, shown }) => {
    expect(visible(text)).toBe(shown);
    expect(visible(shown)).toBe(shown);
  });

  it('does not draw over the page', () => {
    expect(visible('a' + '\u0301'.repeat(500) + 'b')).toBe('a' + '\u0301'.repeat(8) + '\ufffdb');
  });
});

describe('the edge of the window', () => {
  const painted = () => new Promise<void>((done) => setTimeout(done));

  it('shows what any component puts into the document', async () => {
    const end = guardEdge();
    const row = document.createElement('p');
    row.append('user \u202egnp.exe');
    row.title = 'a\u200bb';
    document.body.append(row);
    await painted();
    expect(row.textContent).toBe('user \\u{202e}gnp.exe');
    expect(row.title).toBe('a\\u{200b}b');
    // As Svelte changes a text, and an attribute.
    (row.firstChild as Text).nodeValue = 'x\u2066y';
    row.setAttribute('aria-label', '\ufeffroot');
    document.title = 'web\u202e';
    await painted();
    expect([row.textContent, row.getAttribute('aria-label'), document.title]).toEqual([
      'x\\u{2066}y',
      '\\u{feff}root',
      'web\\u{202e}',
    ]);
    end();
    row.remove();
  });

  it('leaves what a person writes', async () => {
    const end = guardEdge();
    const field = document.createElement('textarea');
    field.append('a\u202eb');
    document.body.append(field);
    await painted();
    expect(field.textContent).toBe('a\u202eb');
    end();
    field.remove();
  });
});
