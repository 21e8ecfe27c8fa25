import { describe, expect, it } from 'vitest';
import { split } from './external-bootstrap.ts';

describe('split', () => {
  it('puts the inline script into a file named after its content, in the same place', () => {
    const { html, file, script } = split('<div><script>\n start(1);\n</script></div>');
    expect(script).toBe('start(1);');
    expect(file).toMatch(/^_app\/start\.[0-9a-f]{10}\.js$/);
    expect(html).toBe(`<div><script src="/${file}"></script></div>`);
  });

  it('refuses a page without one, and a page with two', () => {
    expect(() => split('<p>none</p>')).toThrow(/no inline/);
    expect(() => split('<script>a</script><script>b</script>')).toThrow(/more than one/);
  });
});
