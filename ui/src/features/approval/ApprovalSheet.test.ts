import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '../../platform';
import { usePlatform } from '../../platform';
import { incidentView } from '../../lib/fixtures';
import ApprovalSheet from './ApprovalSheet.svelte';

type Sent = [method: string, path: string, body: unknown];
let sent: Sent[];
let answers: Answer[];

beforeEach(() => {
  sent = [];
  answers = [];
  usePlatform({
    name: 'browser',
    request: async (method, path, body) => {
      sent.push([method, path, body]);
      return answers.shift() ?? { status: 200, body: incidentView() };
    },
    onLive: () => () => {},
  });
});

function open(view = incidentView(), rejecting = false) {
  const onclose = vi.fn();
  const onview = vi.fn();
  const made = render(ApprovalSheet, { view, onclose, onview, rejecting });
  return { ...made, onclose, onview };
}

const sheet = () => screen.getByTestId('approval-sheet');
const approve = () => screen.getByTestId('approve-button');
const confirmByKeys = () => fireEvent.keyDown(sheet(), { key: 'Enter', ctrlKey: true });

describe('ApprovalSheet', () => {
  it('puts the first focus on the title, never on a button', () => {
    open();
    expect(document.activeElement?.tagName).toBe('H2');
  });

  it('does nothing on enter alone', async () => {
    open();
    await fireEvent.keyDown(sheet(), { key: 'Enter' });
    expect(sent).toEqual([]);
  });

  it('sends the hash that was read, and closes', async () => {
    const { onclose, onview } = open();
    await confirmByKeys();
    await waitFor(() => expect(onclose).toHaveBeenCalled());
    expect(sent).toEqual([['POST', '/api/v1/incidents/inc_1/approve', { plan_hash: 'h1', typed_target: null }]]);
    expect(onview).toHaveBeenCalledTimes(1);
  });

  it('runs an irreversible plan only after the name of its target was typed', async () => {
    open(
      incidentView({
        confirm_by_typing: 'db-2',
        undo: { kind: 'impossible', words: 'Cannot be undone.', by_itself: false },
      }),
    );
    expect(screen.getByText('Cannot be undone.')).toBeTruthy();
    expect(approve().getAttribute('aria-disabled')).toBe('true');
    await confirmByKeys();
    await fireEvent.click(approve());
    expect(sent).toEqual([]);

    await fireEvent.input(screen.getByTestId('typed-target'), { target: { value: 'db-2' } });
    expect(approve().getAttribute('aria-disabled')).toBe('false');
    await fireEvent.click(approve());
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.[2]).toEqual({ plan_hash: 'h1', typed_target: 'db-2' });
  });

  it('warns of no way back only where there is none', () => {
    open(incidentView());
    expect(screen.getByText('Nothing to undo.')).toBeTruthy();
    expect(screen.queryByText(/cannot be undone/i)).toBeNull();
  });

  it('says why it is disabled, in the words of the engine', async () => {
    const view = incidentView();
    view.can.approve = { allowed: false, reason: 'Automation is paused.' };
    open(view);
    expect(screen.getAllByText('Automation is paused.').length).toBeGreaterThan(0);
    await confirmByKeys();
    expect(sent).toEqual([]);
  });

  it('shows a stale plan’s problem, loads the new plan, and wants it read before it is approved', async () => {
    const problem = {
      code: 'plan_stale',
      what: 'The plan has gone stale.',
      why: 'web-1 restarted.',
      next: 'Read the new plan.',
    };
    const fresh = incidentView({ hash: 'h2', why: 'Another reason.' });
    answers = [
      { status: 409, body: problem },
      { status: 200, body: fresh },
    ];
    const { onview, onclose, rerender } = open();
    await confirmByKeys();
    await waitFor(() => expect(onview).toHaveBeenCalledWith(fresh));
    expect(screen.getByTestId('problem').textContent).toContain('plan_stale');
    expect(onclose).not.toHaveBeenCalled();

    await rerender({ view: fresh });
    await confirmByKeys();
    expect(sent).toHaveLength(2);

    await fireEvent.click(screen.getByText('I have read it again'));
    await confirmByKeys();
    await waitFor(() => expect(sent).toHaveLength(3));
    expect(sent[2]?.[2]).toEqual({ plan_hash: 'h2', typed_target: null });
  });

  it('rejects with a reason, and wants words for “other”', async () => {
    open(incidentView(), true);
    const confirm = screen.getByTestId('reject-confirm');
    expect(confirm.getAttribute('aria-disabled')).toBe('true');
    await fireEvent.click(screen.getByLabelText(/^Other/));
    expect(confirm.getAttribute('aria-disabled')).toBe('true');
    await fireEvent.input(screen.getByLabelText('Comment'), { target: { value: ' moving hosts ' } });
    await fireEvent.click(confirm);
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toEqual([
      'POST',
      '/api/v1/incidents/inc_1/reject',
      { plan_hash: 'h1', reason: 'other', comment: 'moving hosts' },
    ]);
  });

  it('closes on escape and gives the focus back', async () => {
    const before = document.createElement('button');
    document.body.append(before);
    before.focus();
    const { onclose, unmount } = open();
    await fireEvent.keyDown(sheet(), { key: 'Escape' });
    expect(onclose).toHaveBeenCalled();
    unmount();
    expect(document.activeElement).toBe(before);
    before.remove();
  });

  it('keeps the focus inside', async () => {
    open();
    const buttons = screen.getAllByRole('button');
    buttons.at(-1)?.focus();
    await fireEvent.keyDown(document.activeElement!, { key: 'Tab' });
    expect(sheet().contains(document.activeElement)).toBe(true);
    expect(document.activeElement).not.toBe(buttons.at(-1));
  });
});
