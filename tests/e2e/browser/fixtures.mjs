/** What every browser test has: a world, and a window that is watched for what it must never do. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test as base, expect } from '@playwright/test';
import { startWorld } from '../lib/world.mjs';

export { expect };

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = new URL('../screenshots/', import.meta.url).pathname;

export const test = base.extend({
  /** Console errors that a test provokes on purpose. */
  provoked: [[], { option: true }],

  world: async ({}, use, info) => {
    const world = await startWorld();
    await use(world);
    if (info.status !== info.expectedStatus)
      await info.attach('engine log', { body: world.log(), contentType: 'text/plain' });
    await world.stop();
  },

  page: async ({ page, world, provoked }, use) => {
    const wrong = [];
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      const text = `${message.type()}: ${message.text()} (${message.location().url})`;
      if (!provoked.some((pattern) => pattern.test(text))) wrong.push(text);
    });
    page.on('pageerror', (error) => wrong.push(`uncaught: ${error.stack ?? error.message}`));
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'data:' && origin !== world.base) wrong.push(`request to a foreign host: ${request.url()}`);
    });
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        console.error(`content security policy: ${event.violatedDirective} refused ${event.blockedURI}`);
      });
    });
    await use(page);
    expect(wrong, 'what the window must never do').toEqual([]);
  },

  /** The window, signed in, on the inbox. */
  window: async ({ page, world }, use) => {
    await page.goto(world.address);
    await expect(page.getByTestId('connection-state')).toHaveAttribute('data-connection', 'live');
    await use(page);
  },
});

export const row = (page, service) => page.getByTestId('inbox-row').filter({ hasText: service });

/** Presses a demo button and waits for the incident's row. */
export async function breakIt(page, scenario, service) {
  await page.getByTestId(`demo-${scenario}`).click();
  await expect(row(page, service)).toBeVisible();
  return row(page, service).getAttribute('data-incident');
}

/** Two frames: the first may still show what was before. */
const settle = (page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))));

/** A screen as it is, dark and light: a picture of each, and nothing for axe to complain about. */
export async function inspect(page, name) {
  for (const theme of ['dark', 'light']) {
    await page.evaluate((value) => (document.documentElement.dataset.theme = value), theme);
    await settle(page);
    await page.screenshot({ path: `${screenshots}browser-${name}-${theme}.png`, animations: 'disabled' });
    // Evaluated by the debugger, so the page's own policy stays as strict as it is.
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      const result = await window.axe.run(document, { resultTypes: ['violations'] });
      return result.violations.map(({ id, help, nodes }) => ({
        id,
        help,
        nodes: nodes.slice(0, 5).map(({ html, failureSummary }) => `${html}: ${failureSummary}`),
      }));
    });
    expect.soft(violations, `axe on ${name}, ${theme}`).toEqual([]);
  }
  await page.evaluate(() => delete document.documentElement.dataset.theme);
}
