/** The part of WebDriver that the test needs, over fetch. */
import { writeFileSync } from 'node:fs';
import { PATIENCE, until } from '../lib/wait.mjs';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

export class Driver {
  #url;

  constructor(url) {
    this.#url = url;
  }

  static async open(port, { binary, args }) {
    const base = `http://127.0.0.1:${port}`;
    await until('the driver is ready', async () => (await (await fetch(`${base}/status`)).json()).value.ready);
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': { binary, args } } };
    const { sessionId } = await call('POST', `${base}/session`, { capabilities });
    return new Driver(`${base}/session/${sessionId}`);
  }

  close = () => call('DELETE', this.#url);
  url = () => call('GET', `${this.#url}/url`);
  execute = (script, ...args) => call('POST', `${this.#url}/execute/sync`, { script, args });

  async #find(css) {
    const found = await call('POST', `${this.#url}/element`, { using: 'css selector', value: css });
    return `${this.#url}/element/${found[ELEMENT]}`;
  }

  text = async (css) => call('GET', `${await this.#find(css)}/text`);
  attribute = async (css, name) => call('GET', `${await this.#find(css)}/attribute/${name}`);
  count = (css) => this.execute('return document.querySelectorAll(arguments[0]).length', css);
  click = async (css) => call('POST', `${await this.#find(css)}/click`, {});

  /** Waits until something is there; with `text`, until it says so. */
  see(css, text = null) {
    return until(
      `${css} is on screen${text === null ? '' : ` and says “${text}”`}`,
      async () => {
        const found = await this.text(css);
        return text === null || found.includes(text) ? { found } : Promise.reject(new Error(`it says “${found}”`));
      },
      { explain: (last) => last?.message ?? String(last) },
    );
  }

  /** Presses keys one after the other while `held` is down. */
  keys(keys, held = []) {
    const down = (value) => ({ type: 'keyDown', value });
    const up = (value) => ({ type: 'keyUp', value });
    const actions = [...held.map(down), ...keys.flatMap((key) => [down(key), up(key)]), ...held.map(up)];
    return call('POST', `${this.#url}/actions`, { actions: [{ type: 'key', id: 'keyboard', actions }] });
  }

  async screenshot(path) {
    // Two frames, as the first may still show what was before, and the end of what is on its way to another colour.
    const script = `
      const frames = new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const ended = () => document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished);
      frames.then(() => Promise.allSettled(ended())).then(() => arguments[0]());`;
    await call('POST', `${this.#url}/execute/async`, { script, args: [] });
    writeFileSync(path, Buffer.from(await call('GET', `${this.#url}/screenshot`), 'base64'));
  }
}

async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE),
  });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${value.error}: ${value.message}`);
  return value;
}
