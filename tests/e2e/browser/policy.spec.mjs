/** What the page must not be able to do, whatever text of a log or a model finds its way into it. */
import { expect, test } from './fixtures.mjs';

test.use({ provoked: [[/Content.Security.Policy|content security policy/i], { option: true }] });

test('no inline script, no foreign host, no frame', async ({ page, world }) => {
  const response = await page.goto(world.address);
  const policy = response.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("'unsafe-eval'");
  expect(/script-src[^;]*'unsafe-inline'/.test(policy)).toBe(false);

  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.inlineRan = true';
    document.head.append(script);
    const reached = await fetch('http://localhost:9/').then(
      () => 'reached',
      (error) => error.message,
    );
    return { inline: window.inlineRan ?? false, reached };
  });
  expect(ran.inline).toBe(false);
  expect(ran.reached).not.toBe('reached');
});
