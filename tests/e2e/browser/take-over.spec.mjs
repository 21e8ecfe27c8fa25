/** A person takes over: chooses an action for what nobody knows, changes its values, and approves exactly that. */
import { breakIt, expect, inspect, row, test } from './fixtures.mjs';

test('choose, change and approve by keyboard, nothing runs unread', async ({ window: page, world }) => {
  const id = await breakIt(page, 'unknown', 'demo-batch');
  await row(page, 'demo-batch').click();
  await expect(page.getByTestId('incident-state')).toHaveAttribute('data-state', 'escalated');

  await page.keyboard.press('c');
  await expect(page.getByTestId('choose-dialog')).toBeVisible();
  await inspect(page, 'choose');
  await page.keyboard.press('1');

  // What was chosen is a plan like any other: it opens to be read.
  const sheet = page.getByTestId('approval-sheet');
  await expect(sheet).toBeVisible();
  const before = await world.api('GET', `/incidents/${id}`);
  expect(before.attempts).toEqual([]);
  expect(before.plan.chosen_by).toBe((await world.api('GET', '/overview')).me.name);
  await expect(sheet.getByText(`${before.plan.chosen_by} chose this, in this form.`)).toBeVisible();

  const [parameter] = before.plan.parameters;
  const value = String(Number(parameter.value) + 7);
  const field = page.getByTestId(`parameter-${parameter.name}`);
  await field.fill(String(parameter.most + 1));
  await expect(page.getByTestId('parameters-change')).toHaveAttribute('aria-disabled', 'true');
  await field.fill(value);
  await expect(page.getByTestId('approve-button')).toHaveAttribute('aria-disabled', 'true');
  await expect(sheet.getByText('Makes a new plan, which needs approval again.')).toBeVisible();
  await inspect(page, 'approval-sheet-changed');
  await page.getByTestId('parameters-change').click();
  await expect(page.getByTestId('approve-button')).toHaveAttribute('aria-disabled', 'false');

  const changed = await world.api('GET', `/incidents/${id}`);
  expect(changed.plan.hash).not.toBe(before.plan.hash);
  expect(changed.plan.parameters).toContainEqual({ ...parameter, value });
  expect(changed.attempts).toEqual([]);

  await page.keyboard.press('Control+Enter');
  await expect(sheet).toBeHidden();
  const events = (await world.api('GET', `/audit?incident=${id}`)).entries.map((entry) => entry.event_type);
  expect(events).toEqual(expect.arrayContaining(['approval.edited', 'approval.granted']));
});
