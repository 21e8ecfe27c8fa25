/** The notification service of the private session bus, seen from the test. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { until } from '../lib/wait.mjs';

const gdbus = (...args) => execFileSync('gdbus', ['call', '--session', '-d', ...args], { encoding: 'utf8', stdio: 'pipe' });

export class Notifications {
  #file;
  #process;

  static async start(file) {
    const self = new Notifications();
    self.#file = file;
    rmSync(file, { force: true });
    const script = new URL('notifyd.py', import.meta.url).pathname;
    self.#process = spawn('/usr/bin/python3', [script, self.#file], { stdio: ['ignore', 'inherit', 'inherit'] });
    const bus = 'org.freedesktop.DBus';
    await until('the notification service is on the bus', () =>
      gdbus(bus, '-o', '/org/freedesktop/DBus', '-m', `${bus}.NameHasOwner`, 'org.freedesktop.Notifications').includes(
        'true',
      ),
    );
    return self;
  }

  all() {
    if (!existsSync(this.#file)) return [];
    return readFileSync(this.#file, 'utf8')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** Waits for a notification of which summary and body together name every one of the words. */
  about(words) {
    return until(
      `a notification about ${words.join(' and ')}`,
      () => this.all().find(({ summary, body }) => words.every((word) => `${summary} ${body}`.includes(word))),
      { explain: () => JSON.stringify(this.all(), null, 1) },
    );
  }

  press(id, key = 'default') {
    gdbus('org.freedesktop.Notifications', '-o', '/test', '-m', 'io.selfheal.Test.Press', String(id), key);
  }

  /** What any program on the bus can send: the signal of a click, from another sender than the service. */
  forge(id, key = 'default') {
    const path = '/org/freedesktop/Notifications';
    const signal = 'org.freedesktop.Notifications.ActionInvoked';
    execFileSync('gdbus', ['emit', '--session', '--object-path', path, '--signal', signal, `uint32 ${id}`, `'${key}'`]);
  }

  stop() {
    this.#process.kill();
  }
}
