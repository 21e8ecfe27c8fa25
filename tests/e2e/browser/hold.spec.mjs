/** What holds automation, and where it is seen: maintenance, the queue, the emergency brake, the audit trail. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inspect, test } from './fixtures.mjs';

test('maintenance is announced and ended by keyboard, and every screen says so', async ({ window: page, world }) => {
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await expect(page.getByTestId('maintenance-empty')).toBeVisible();
  await inspect(page, 'maintenance-empty');

  await page.keyboard.press('n');
  await expect(page.getByTestId('maintenance-service')).toBeFocused();
  await page.keyboard.type('demo-web');
  await page.keyboard.press('Control+Enter');
  const held = page.getByTestId('maintenance-row');
  await expect(held).toHaveCount(1);
  await expect(held).toHaveAttribute('data-active', 'true');
  await expect(page.getByTestId('maintenance-chip')).toContainText('Maintenance: demo-web until');
  await inspect(page, 'maintenance');

  await page.goto(world.base);
  await page.getByTestId('maintenance-chip').click();
  const [{ id }] = (await world.api('GET', '/maintenance')).windows;
  await page.getByTestId(`maintenance-end-${id}`).click();
  await expect(page).toHaveURL(new RegExp(`end=${id}`));
  await inspect(page, 'maintenance-end');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByTestId('maintenance-chip')).toBeHidden();
  await expect(page.getByTestId('maintenance-empty')).toBeVisible();
});

test.describe('a service that does not exist', () => {
  test.use({ provoked: [[/400|422/], { option: true }] });

  test('is refused in the words of the engine', async ({ window: page, world }) => {
    await page.goto(`${world.base}/maintenance`);
    await page.getByTestId('maintenance-service').fill('nobody');
    await page.getByTestId('maintenance-announce').click();
    await expect(page.getByTestId('problem')).toContainText('nobody');
    expect((await world.api('GET', '/maintenance')).windows).toEqual([]);
  });
});

test('the queue and the audit trail', async ({ window: page, world }) => {
  await page.keyboard.press('g');
  await page.keyboard.press('q');
  await expect(page.getByTestId('queue-empty')).toBeVisible();
  const { slots } = await world.api('GET', '/queue');
  await expect(page.getByTestId('slots')).toContainText(`${slots.used} of ${slots.limit} in the last hour`);
  await inspect(page, 'queue-empty');

  await world.api('POST', '/demo/kill-service', {});
  await world.incident('demo-web', 'resolved');
  await expect(page.getByTestId('slots')).toContainText(`1 of ${slots.limit} in the last hour`);

  await page.keyboard.press('g');
  await page.keyboard.press('u');
  await expect(page.getByTestId('audit-row').first()).toBeVisible();
  await page.keyboard.press('v');
  await expect(page.getByTestId('chain-status')).toContainText('as they were written');
  await page.keyboard.press('j');
  await expect(page).toHaveURL(/entry=\d+/);
  await inspect(page, 'audit');
  await page.goto(`${world.base}/audit?kind=action`);
  await expect(page.getByTestId('audit-row').filter({ hasText: 'action.started' })).toHaveCount(1);
  await expect(page.getByTestId('audit-row').filter({ hasText: 'self_heal.' })).toHaveCount(0);
});

test('the emergency brake cannot be released from the window, which says how it is', async ({ window: page, world }) => {
  const brake = join(world.home, 'data/pause');
  writeFileSync(brake, '');
  await page.reload();
  const toggle = page.getByTestId('automation-switch');
  await expect(toggle).toHaveAttribute('data-brake', 'true');
  await toggle.click();
  await expect(page.getByTestId('automation-option-on')).toHaveAttribute('aria-disabled', 'true');
  await expect(page.getByTestId('brake')).toContainText('selfheal resume');
  await inspect(page, 'automation-brake');
  rmSync(brake);
  await page.reload();
  await expect(toggle).toHaveAttribute('data-brake', 'false');
});
