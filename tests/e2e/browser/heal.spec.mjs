/** What is known well heals by itself; what is unknown is handed over untouched. */
import { answers } from '../lib/world.mjs';
import { until } from '../lib/wait.mjs';
import { breakIt, expect, row, test } from './fixtures.mjs';

test('a killed service heals by itself, live', async ({ window: page, world }) => {
  const { url } = world.services['demo-web'];
  expect(await answers(url)).toBe(true);
  // Live means without a reload: a mark on this page's window would not survive one.
  await page.evaluate(() => (window.sameWindow = true));

  const id = await breakIt(page, 'kill-service', 'demo-web');
  await row(page, 'demo-web').click();
  await expect(page.getByTestId('incident-title')).toBeVisible();
  await expect(page.getByTestId('incident-state')).toHaveAttribute('data-state', 'resolved');
  await expect(row(page, 'demo-web')).toHaveAttribute('data-group', 'recently_fixed');
  await until('demo-web answers again', () => answers(url));
  expect(await page.evaluate(() => window.sameWindow)).toBe(true);

  // Why it acted: the evidence with the words that matched, the decision, each gate.
  await expect(page.getByTestId('signal-text').first().locator('mark').first()).toBeVisible();
  await expect(page.getByText('Heals by itself', { exact: true })).toBeVisible();
  await expect(page.getByTestId('gate')).toHaveCount(10);
  await expect(page.locator('[data-testid=gate][data-passed=true]')).toHaveCount(10);
  expect(await page.getByTestId('story-entry').count()).toBeGreaterThan(3);

  const view = await world.api('GET', `/incidents/${id}`);
  expect(view.incident).toMatchObject({ state: 'resolved', resolved_by: 'automatic_fix' });
  expect(view.decision.kind).toBe('auto');
  expect(view.attempts).toHaveLength(1);
  expect(view.attempts[0].confidence_after).toBeGreaterThan(view.attempts[0].confidence_before);
  expect((await world.api('GET', '/overview')).audit.ok).toBe(true);
});

test('an unknown failure is handed to a person, and nothing runs', async ({ window: page, world }) => {
  const id = await breakIt(page, 'unknown', 'demo-batch');
  await row(page, 'demo-batch').click();
  await expect(page.getByTestId('incident-state')).toHaveAttribute('data-state', 'escalated');
  await expect(row(page, 'demo-batch')).toHaveAttribute('data-group', 'needs_you');
  await expect(page.getByTestId('signal-text').filter({ hasText: 'does not balance' })).toBeVisible();
  await expect(page.getByText('Hands over to a person', { exact: true })).toBeVisible();

  const view = await world.api('GET', `/incidents/${id}`);
  expect(view.decision.kind).toBe('escalate');
  expect(view.attempts).toEqual([]);
  expect(view.plan).toBeNull();
});
