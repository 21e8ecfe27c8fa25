/** A known cause without an automatic fix: what a person does is the first thing on the page. */
import { expect, inspect, test } from './fixtures.mjs';

const EXPIRED =
  'x509: certificate has expired or is not yet valid: current time 2026-11-24T03:12:09Z is after 2026-11-23T23:59:59Z';

test('what to do stands first, and its commands can be copied by keyboard', async ({ window: page, world, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: world.base });
  const text = `${new Date().toISOString()} ERROR ${EXPIRED}\n`;
  await world.api('POST', '/ingest', { text, source: 'test', service: 'demo-batch', project: null, dry_run: false });
  const { id } = await world.incident('demo-batch', 'escalated');

  await page.goto(`${world.base}/incident/${id}`);
  const first = page.getByRole('heading', { level: 2 }).first();
  await expect(first).toHaveText('What to do');
  await expect(page.getByTestId('by-hand')).toContainText('certbot renew');
  await expect(page.getByTestId('known-cause')).toContainText('clients connect without certificate errors');
  await inspect(page, 'incident-known');

  await page.getByRole('button', { name: 'Copy nginx -s reload', exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status').filter({ hasText: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('nginx -s reload');

  // Whoever chooses an action all the same sees it again before saying yes.
  await world.api('POST', `/incidents/${id}/choose`, { action: 'service.restart', parameters: {}, service: null });
  await page.goto(`${world.base}/incident/${id}?approve=1`);
  const sheet = page.getByTestId('approval-sheet');
  await expect(sheet.getByTestId('by-hand')).toContainText('certbot renew');
  await inspect(page, 'sheet-known');
});

test('of what nobody knows nothing is made up', async ({ window: page, world }) => {
  await world.api('POST', '/demo/unknown', {});
  const { id } = await world.incident('demo-batch', 'escalated');
  await page.goto(`${world.base}/incident/${id}`);
  await expect(page.getByTestId('what-to-do')).toContainText('Nothing is known of it.');
  await expect(page.getByTestId('known-cause')).toHaveCount(0);
});
