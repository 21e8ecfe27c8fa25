/** Who may look: nobody without a token that the engine knows. */
import { expect, inspect, test } from './fixtures.mjs';

test.use({ provoked: [[/401/], { option: true }] });

test('a missing token shows the sign-in screen, and the right one opens the window', async ({ page, world }) => {
  await page.goto(world.base);
  await expect(page.getByTestId('token-screen')).toBeVisible();
  await expect(page.getByTestId('inbox-row')).toHaveCount(0);
  await inspect(page, 'sign-in');

  await page.getByLabel('Address or token').fill(world.address);
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByTestId('connection-state')).toHaveAttribute('data-connection', 'live');
  await expect(page.getByTestId('quiet')).toBeVisible();
});

test('a wrong token shows the sign-in screen, and the token leaves the address bar', async ({ page, world }) => {
  await page.goto(`${world.base}/#token=${'0'.repeat(world.token.length)}`);
  await expect(page.getByTestId('token-screen')).toBeVisible();
  expect(page.url()).not.toContain('token=');
});

test('the interface refuses a missing and a wrong token', async ({ world }) => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
    const response = await fetch(`${world.base}/api/v1/overview`, { headers });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      code: expect.any(String),
      what: expect.any(String),
      next: expect.any(String),
    });
  }
});
