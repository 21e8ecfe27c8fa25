import { render, screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import type { SignalView, Span } from '../../api/types';
import SignalCard from './SignalCard.svelte';

const signal = (text: string, highlights: Span[]): SignalView => ({
  id: 's',
  kind: 'log',
  source: 'api.log',
  service: 'api',
  named_service: null,
  severity: 'high',
  text,
  template: 't',
  count: 19,
  first_seen: '2026-03-04T14:00:00Z',
  last_seen: '2026-03-04T14:01:00Z',
  highlights,
});

describe('SignalCard', () => {
  it('marks the matched words and leaves the text exactly as it is', () => {
    const text = '  <b>pool</b>  exhausted\n\tat x';
    const { container } = render(SignalCard, {
      signal: signal(text, [
        { start: 5, end: 9 },
        { start: 15, end: 24 },
      ]),
    });
    expect(screen.getByTestId('signal-text').textContent).toBe(text);
    expect([...container.querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual(['pool', 'exhausted']);
  });

  it('never treats the text of a log as markup', () => {
    const { container } = render(SignalCard, { signal: signal('<img src=x onerror=alert(1)>', [{ start: 0, end: 4 }]) });
    expect(container.querySelector('img')).toBeNull();
  });

  it('says how often it was seen, and only gives tall texts a tab stop', () => {
    render(SignalCard, { signal: signal('short', []) });
    expect(screen.getByText('×19')).toBeTruthy();
    expect(screen.getByTestId('signal-text').hasAttribute('tabindex')).toBe(false);
  });

  it('lets a tall text be scrolled by keyboard', () => {
    render(SignalCard, { signal: signal('line\n'.repeat(40), []) });
    expect(screen.getByTestId('signal-text').getAttribute('tabindex')).toBe('0');
  });
});
