/** Nothing is wrong: the window is calm, and says so. */
import { expect, inspect, test } from './fixtures.mjs';

test.use({ provoked: [[/404/], { option: true }] });

test('an empty inbox, and every screen that needs no incident', async ({ window: page, world }) => {
  await expect(page.getByTestId('quiet')).toBeVisible();
  await expect(page.getByTestId('inbox-row')).toHaveCount(0);
  await expect(page.getByTestId('automation-switch')).toHaveAttribute('data-posture', 'on');
  await inspect(page, 'inbox-empty');

  await page.goto(`${world.base}/?q=nothing-is-called-this`);
  await expect(page.getByText('The filter hides everything.')).toBeVisible();
  await inspect(page, 'inbox-filter-hides-all');
  await page.goto(world.base);
  await expect(page.getByTestId('quiet')).toBeVisible();

  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog', { name: 'Command palette' })).toBeVisible();
  await inspect(page, 'palette');
  await page.keyboard.press('Escape');

  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await inspect(page, 'keys');
  await page.keyboard.press('Escape');

  await page.getByTestId('automation-switch').click();
  await expect(page.getByTestId('automation-option-observe')).toBeVisible();
  await inspect(page, 'automation-menu');
  await page.keyboard.press('Escape');

  await page.goto(`${world.base}/incident/999999999`);
  await expect(page.getByTestId('problem')).toBeVisible();
  await inspect(page, 'incident-unknown');

  await page.goto(`${world.base}/nowhere`);
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
  await inspect(page, 'page-unknown');
});
