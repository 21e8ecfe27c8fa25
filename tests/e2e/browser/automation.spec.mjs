/** The automation switch is a promise: what it holds does not run. */
import { answers } from '../lib/world.mjs';
import { holds, until } from '../lib/wait.mjs';
import { breakIt, expect, row, test } from './fixtures.mjs';

async function set(page, option, posture) {
  const toggle = page.getByTestId('automation-switch');
  await toggle.click();
  await page.getByTestId(`automation-option-${option}`).click();
  await expect(toggle).toHaveAttribute('data-posture', posture);
}

for (const [option, posture] of [
  ['observe', 'observe'],
  ['paused', 'paused'],
]) {
  test(`${posture} holds what would heal by itself, and on lets it go`, async ({ window: page, world }) => {
    const { url } = world.services['demo-web'];
    await set(page, option, posture);
    const id = await breakIt(page, 'kill-service', 'demo-web');
    await row(page, 'demo-web').click();

    const refused = page.locator('[data-testid=gate][data-passed=false]').first();
    await expect(refused).toBeVisible();
    await holds('demo-web stays down', async () => !(await answers(url)));
    expect((await world.api('GET', `/incidents/${id}`)).attempts).toEqual([]);

    await set(page, 'on', 'on');
    await until('demo-web answers again', () => answers(url));
    await expect(page.getByTestId('incident-state')).toHaveAttribute('data-state', 'resolved');
  });
}
