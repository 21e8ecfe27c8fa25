/** What stands around the test: the driver with the app in it, the notification service, logs and pictures. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { family, isAlive, noneLeft, processesNaming } from '../lib/processes.mjs';
import { DESKTOP, SELFHEAL, servicesOf, temporaryHome } from '../lib/world.mjs';
import { PATIENCE, until } from '../lib/wait.mjs';
import { Notifications } from './notifications.mjs';
import { Driver } from './webdriver.mjs';

const SCREENSHOTS = new URL('../screenshots/', import.meta.url).pathname;
const RUN = new URL('../.run/', import.meta.url).pathname;

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class Stage {
  log = join(RUN, 'desktop.log');
  lastPicture = 'none yet';

  async open() {
    mkdirSync(SCREENSHOTS, { recursive: true });
    mkdirSync(RUN, { recursive: true });
    rmSync(this.log, { force: true });
    this.home = temporaryHome();
    this.notifications = await Notifications.start(join(RUN, 'notifications.jsonl'));
    const out = openSync(this.log, 'a');
    this.driver = await this.drive(out);
    this.pid = await until('the app runs', () => this.app()?.pid);
    this.services = await until('the demo world is there', () => servicesOf(this.home));
  }

  /** The driver does not say which port it chose, so it is told one; where that was taken meanwhile, it ends and is told another. */
  async drive(out) {
    for (let tries = 1; ; tries += 1) {
      const port = await freePort();
      // The app inherits the driver's output, which is how its log gets here.
      this.process = spawn('WebKitWebDriver', [`--port=${port}`], {
        stdio: ['ignore', out, out],
        env: { ...process.env, TAURI_WEBVIEW_AUTOMATION: 'true', NO_COLOR: '1' },
      });
      const ended = once(this.process, 'exit').then(() => null);
      const driver = await Promise.race([
        Driver.open(port, { binary: DESKTOP, args: ['--demo', '--home', this.home] }).catch((error) => {
          if (this.process.exitCode === null) throw error;
          return null;
        }),
        ended,
      ]);
      if (driver) return driver;
      if (tries === 5) throw new Error(`WebKitWebDriver ends at once: ${this.appLog()}`);
    }
  }

  app = () => processesNaming(this.home).find(({ line }) => line.includes('--demo') && line.startsWith(DESKTOP));
  appLog = () => readFileSync(this.log, 'utf8');

  /** The app started once more, as a deep link or an icon does. Fails unless it ends by itself. */
  /** Each home has an app of its own: a second start is one of the same home. */
  startAgain(...args) {
    return execFileSync(DESKTOP, ['--home', this.home, ...args], { encoding: 'utf8', timeout: PATIENCE, stdio: 'pipe' });
  }

  selfheal(...args) {
    return JSON.parse(
      execFileSync(SELFHEAL, ['--home', this.home, ...args, '--json'], {
        encoding: 'utf8',
        timeout: PATIENCE,
        stdio: 'pipe',
      }),
    );
  }

  #window = (command) =>
    Number(execFileSync('/usr/bin/python3', [new URL('xwindow.py', import.meta.url).pathname, command, 'Selfheal']));
  windowsShown = () => this.#window('shown');
  closeWindow = () => this.#window('close');

  /** The screen as it is, dark and light. */
  async picture(name) {
    const theme = (value) => this.driver.execute('document.documentElement.dataset.theme = arguments[0]', value);
    for (const value of ['dark', 'light']) {
      await theme(value);
      this.lastPicture = `${SCREENSHOTS}desktop-${name}-${value}.png`;
      await this.driver.screenshot(this.lastPicture);
    }
    await this.driver.execute('delete document.documentElement.dataset.theme');
  }

  async failed() {
    try {
      const path = `${SCREENSHOTS}desktop-failed.png`;
      await this.driver.screenshot(path);
      this.lastPicture = path;
    } catch {
      // The window may be what failed; then the picture before is the last one.
    }
  }

  /** Asks the app to quit, and waits until nothing of it is left. */
  async quit() {
    const members = family(this.pid);
    process.kill(this.pid, 'SIGTERM');
    await until('the app and all that it started end on SIGTERM', () => !members.some(isAlive), {
      explain: () => `still there: ${members.filter(isAlive).join(', ')}`,
    });
    await noneLeft(this.home);
  }

  /** Whatever happened, nothing stays behind. */
  async clear() {
    const members = this.pid ? family(this.pid) : [];
    for (const pid of [...members, ...processesNaming(this.home).map((one) => one.pid)]) {
      try {
        if (isAlive(pid)) process.kill(pid, 'SIGKILL');
      } catch {
        // Already gone, which is what is wanted.
      }
    }
    this.notifications?.stop();
    this.process?.kill();
    rmSync(this.home, { recursive: true, force: true });
  }
}
