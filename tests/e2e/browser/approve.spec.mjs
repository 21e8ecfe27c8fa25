/** What is half known waits for a person, who sees exactly what would run. */
import { answers } from '../lib/world.mjs';
import { holds, until } from '../lib/wait.mjs';
import { breakIt, expect, inspect, row, test } from './fixtures.mjs';

async function waitsForPerson(page, world) {
  const id = await breakIt(page, 'needs-approval', 'demo-api');
  await expect(row(page, 'demo-api')).toHaveAttribute('data-state', 'awaiting_approval');
  await expect(row(page, 'demo-api')).toHaveAttribute('data-group', 'needs_you');
  expect(await answers(world.services['demo-api'].url)).toBe(false);
  await row(page, 'demo-api').click();
  await expect(page.getByTestId('incident-state')).toHaveAttribute('data-state', 'awaiting_approval');
  return id;
}

test('approve by keyboard: the service is really back', async ({ window: page, world }) => {
  const { url } = world.services['demo-api'];
  const id = await waitsForPerson(page, world);
  const { plan } = await world.api('GET', `/incidents/${id}`);
  await inspect(page, 'incident-awaiting-approval');

  await page.keyboard.press('a');
  const sheet = page.getByTestId('approval-sheet');
  await expect(sheet).toBeVisible();
  expect(plan.steps.length).toBeGreaterThan(0);
  for (const step of plan.steps) await expect(sheet.getByText(step.call, { exact: true })).toBeVisible();
  for (const check of plan.checks) await expect(sheet.getByText(check)).toBeVisible();
  await expect(sheet.getByText(plan.target, { exact: true })).toBeVisible();
  // Everything is in view at once: a person must not have to scroll to what they agree to.
  expect(await sheet.evaluate((node) => node.scrollHeight <= node.clientHeight + 1)).toBe(true);

  const approve = page.getByTestId('approve-button');
  await expect(approve).toBeInViewport();
  await expect(approve).not.toBeFocused();
  await page.keyboard.press('Enter');
  await expect(sheet).toBeVisible();
  expect((await world.api('GET', `/incidents/${id}`)).incident.state).toBe('awaiting_approval');
  await inspect(page, 'approval-sheet');

  await page.keyboard.press('Control+Enter');
  await expect(sheet).toBeHidden();
  await until('demo-api answers again', () => answers(url));
  await expect(page.getByTestId('incident-state')).toHaveAttribute('data-state', 'resolved');
  await expect(row(page, 'demo-api')).toHaveAttribute('data-group', 'recently_fixed');
  const view = await world.api('GET', `/incidents/${id}`);
  expect(view.incident.resolved_by).toBe('approved_fix');
  const events = (await world.api('GET', `/audit?incident=${id}`)).entries.map((entry) => entry.event_type);
  expect(events).toEqual(
    expect.arrayContaining([
      'self_heal.suggested',
      'approval.granted',
      'action.started',
      'action.finished',
      'learning.success',
    ]),
  );
});

test('reject with a reason: a person takes over, and nothing runs', async ({ window: page, world }) => {
  const { url } = world.services['demo-api'];
  const id = await waitsForPerson(page, world);
  await page.getByTestId('primary-action').click();
  await page.getByTestId('reject-button').click();
  const confirm = page.getByTestId('reject-confirm');
  await expect(confirm).toHaveAttribute('aria-disabled', 'true');
  await page.getByRole('radio', { name: /Wrong fix/ }).check();
  await page.getByRole('textbox', { name: 'Comment' }).fill('It needs its database first.');
  await inspect(page, 'reject');
  await confirm.click();

  await expect(page.getByTestId('approval-sheet')).toBeHidden();
  await expect(page.getByTestId('incident-state')).toHaveAttribute('data-state', 'escalated');
  await expect(page.getByTestId('story-entry').filter({ hasText: 'It needs its database first.' })).toBeVisible();
  await holds('demo-api stays down', async () => !(await answers(url)), { during: 3000 });
  expect((await world.api('GET', `/incidents/${id}`)).attempts).toEqual([]);
});
