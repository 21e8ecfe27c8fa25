import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';
import { PATIENCE } from './lib/wait.mjs';

const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = CHROMIUM.find((path) => path && existsSync(path));
if (!executablePath)
  throw new Error('Chromium is missing: `npm run setup -- --test` installs it, or set CHROMIUM to its path.');

// Nothing but the window may talk to anybody: what the browser does by itself would look like a request of the window.
const args = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
// Chromium refuses its sandbox to root, which is who runs tests in a container.
if (process.getuid?.() === 0) args.push('--no-sandbox');

export default defineConfig({
  testDir: 'browser',
  testMatch: '*.spec.mjs',
  outputDir: '.run',
  // Each test has an engine and services of its own, checked every second: more at once would make each other late.
  workers: 2,
  fullyParallel: true,
  timeout: 4 * PATIENCE,
  expect: { timeout: PATIENCE },
  reporter: [['list']],
  use: {
    launchOptions: { executablePath, args },
    viewport: { width: 1280, height: 800 },
    contextOptions: { reducedMotion: 'reduce' },
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
});
