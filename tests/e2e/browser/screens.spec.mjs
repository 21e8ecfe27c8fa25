/** Every screen with something on it, dark and light, and its keyboard. */
import { expect, inspect, row, test } from './fixtures.mjs';

test('a full inbox and each kind of incident', async ({ window: page, world }) => {
  // One after the other: demo-web depends on demo-api, so failures at the same time would be one incident.
  await world.api('POST', '/demo/kill-service', {});
  const healed = await world.incident('demo-web', 'resolved');
  for (const name of ['needs-approval', 'unknown']) await world.api('POST', `/demo/${name}`, {});
  const approval = await world.incident('demo-api', 'awaiting_approval');
  const escalated = await world.incident('demo-batch', 'escalated');
  await expect(page.getByTestId('inbox-row')).toHaveCount(3);
  await inspect(page, 'inbox-full');

  for (const [name, incident] of [
    ['healed', healed],
    ['awaiting', approval],
    ['escalated', escalated],
  ]) {
    await page.goto(`${world.base}/?incident=${incident.id}`);
    await expect(page.getByTestId('incident-title')).toHaveText(incident.title);
    await inspect(page, `inbox-${name}`);
    await page.goto(`${world.base}/incident/${incident.id}`);
    await expect(page.getByTestId('incident-title')).toHaveText(incident.title);
    await inspect(page, `incident-${name}`);
    await page.keyboard.press('l');
    await expect(page.getByRole('heading', { name: 'Full log' })).toBeVisible();
    await inspect(page, `log-${name}`);
  }

  // The dialogs of a person who takes over.
  for (const [key, name] of [
    ['e', 'escalate'],
    ['s', 'snooze'],
    ['n', 'note'],
  ]) {
    await page.goto(`${world.base}/incident/${approval.id}`);
    await expect(page.getByTestId('incident-title')).toBeVisible();
    await page.keyboard.press(key);
    await expect(page.getByRole('dialog')).toBeVisible();
    await inspect(page, `dialog-${name}`);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }

  // Everything by keyboard: down to the first row, open it, and back.
  await page.goto(world.base);
  await expect(page.getByTestId('inbox-row')).toHaveCount(3);
  await page.keyboard.press('j');
  await expect(page.locator('[data-testid=inbox-row][aria-current=true]')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/incident\//);
  await page.keyboard.press('Escape');
  await expect(row(page, 'demo-api')).toBeVisible();
});
