/**
 * The real window, from a real failure to its learned lesson: a service is killed, a native notification asks, a click on it
 * opens the incident, a person approves, the service is back. To be run with a private session bus and a display:
 * `npm run desktop`.
 */
import assert from 'node:assert/strict';
import { answers } from '../lib/world.mjs';
import { isAlive } from '../lib/processes.mjs';
import { holds, until } from '../lib/wait.mjs';
import { Stage } from './stage.mjs';

const CONTROL = '\uE009';
const ENTER = '\uE007';
const ESCAPE = '\uE00C';
const id = (name) => `[data-testid="${name}"]`;
const rowOf = (incident) => `${id('inbox-row')}[data-incident="${incident}"]`;

const stage = new Stage();
let driver;
let incident;
const state = {};

/** Presses a demo button; the one before may still be on its way to its end. */
async function press(scenario) {
  const button = id(`demo-${scenario}`);
  await until(`${button} can be pressed`, async () => (await driver.attribute(button, 'aria-disabled')) !== 'true');
  await driver.click(button);
}

/** The id of a service's incident, once its row is there. */
const incidentOf = (service) =>
  until(`the list shows an incident of ${service}`, () =>
    driver.execute(
      `return [...document.querySelectorAll(arguments[0])].find((row) => row.textContent.includes(arguments[1]))?.dataset.incident`,
      id('inbox-row'),
      service,
    ),
  );

const shownIncident = async () =>
  driver.execute(
    `return new URL(location.href).searchParams.get('incident') ?? location.pathname.split('/incident/')[1] ?? null`,
  );

async function inState(...wanted) {
  let found;
  await until(
    `the incident on screen is ${wanted.join(' or ')}`,
    async () => wanted.includes((found = await driver.attribute(id('incident-state'), 'data-state'))),
    { explain: () => found },
  );
}

const steps = {
  async 'the window shows the quiet inbox'() {
    await driver.see(id('connection-state'), 'Live');
    await driver.see(id('quiet'));
    await driver.see('header', 'Engine leader');
    assert.equal(await driver.count(id('inbox-row')), 0);
    assert.equal(stage.windowsShown(), 1);
    for (const { url } of Object.values(stage.services)) assert.ok(await answers(url), `${url} answers before the demo`);
    await stage.picture('inbox-empty');
  },

  async 'an unknown failure escalates, with a notification, and nothing runs'() {
    await press('unknown');
    const notification = await stage.notifications.about(['demo-batch']);
    state.unknown = await incidentOf('demo-batch');
    // The notification and the window are told side by side: either may be first.
    await until(
      'its row needs a person',
      async () => (await driver.attribute(rowOf(state.unknown), 'data-state')) === 'escalated',
    );
    stage.notifications.press(notification.id);
    await until(`the window shows incident ${state.unknown}`, async () => (await shownIncident()) === state.unknown);
    await inState('escalated');
    await stage.picture('incident-escalated');
    await driver.keys([ESCAPE, ESCAPE]);
    await until('the inbox is on screen, with nothing selected', async () => (await shownIncident()) === null);
  },

  async 'the demo kills the real service'() {
    await press('needs-approval');
    await until('demo-api does not answer', async () => !(await answers(stage.services['demo-api'].url)));
  },

  async 'a native notification asks for approval'() {
    const notification = await stage.notifications.about(['demo-api', 'Restart']);
    assert.match(notification.summary, /approve/i);
    assert.ok(notification.actions.includes('default'), `it can be clicked: ${JSON.stringify(notification)}`);
    state.approval = notification.id;
    incident = await incidentOf('demo-api');
    assert.equal(await driver.attribute(rowOf(incident), 'data-state'), 'awaiting_approval');
    await stage.picture('inbox-needs-you');
    assert.notEqual(incident, state.unknown);
  },

  async 'a click on it opens exactly that incident'() {
    assert.equal(await shownIncident(), null);
    // Not one that another program on the bus made up.
    stage.notifications.forge(state.approval);
    await holds('the window shows no incident after a forged click', async () => (await shownIncident()) === null);
    stage.notifications.press(state.approval);
    await until(`the window shows incident ${incident}`, async () => (await shownIncident()) === incident);
    await driver.see(id('incident-title'));
    await inState('awaiting_approval');
    assert.equal(await answers(stage.services['demo-api'].url), false, 'a click only shows; nothing has run');
    await stage.picture('incident-awaiting-approval');
  },

  async 'a person approves in the window'() {
    await driver.keys(['a']);
    await driver.see(id('approval-sheet'), 'demo-api');
    await driver.see(id('approve-button'));
    assert.notEqual(await driver.execute('return document.activeElement?.dataset.testid ?? null'), 'approve-button');
    await stage.picture('approval-sheet');
    await driver.keys([ENTER], [CONTROL]);
    await until('the sheet is gone', async () => (await driver.count(id('approval-sheet'))) === 0);
  },

  async 'the service answers again, and the window says so'() {
    await until('demo-api answers', () => answers(stage.services['demo-api'].url));
    await inState('resolved');
    await stage.picture('incident-resolved');
    await driver.keys([ESCAPE]);
    await driver.see(rowOf(incident));
    assert.equal(await driver.attribute(rowOf(incident), 'data-group'), 'recently_fixed');
    await stage.picture('inbox-fixed');
  },

  async 'the audit trail tells all of it, and its chain holds'() {
    const { entries } = stage.selfheal('audit', 'list');
    const events = entries.filter((entry) => String(entry.incident_id) === incident).map((entry) => entry.event_type);
    for (const wanted of [
      'self_heal.suggested',
      'approval.granted',
      'action.started',
      'action.finished',
      'learning.success',
    ]) {
      assert.ok(events.includes(wanted), `${wanted} is in the audit trail of incident ${incident}: ${events.join(', ')}`);
    }
    const verified = stage.selfheal('audit', 'verify');
    assert.equal(verified.ok, true, JSON.stringify(verified));
  },

  async 'closing the window keeps the engine running'() {
    stage.closeWindow();
    await until('no window is on the screen', () => stage.windowsShown() === 0);
    assert.ok(isAlive(stage.pid), 'the app still runs');
    const { ok } = stage.selfheal('audit', 'verify');
    assert.ok(ok, 'the engine still answers');
  },

  async 'a second start with a deep link shows the window of the first'() {
    stage.startAgain(`selfheal://incident/${incident}`);
    await until('the window is on the screen', () => stage.windowsShown() === 1);
    await until(`the window shows incident ${incident}`, async () => (await shownIncident()) === incident);
    await inState('resolved', 'closed');
    assert.equal(stage.app().pid, stage.pid, 'it is still the first process');
    await stage.picture('incident-by-deep-link');
  },

  async 'quitting leaves nothing behind'() {
    await stage.quit();
  },
};

const began = Date.now();
let current = 'the app starts';
try {
  await stage.open();
  driver = stage.driver;
  for (const [name, step] of Object.entries(steps)) {
    current = name;
    const start = Date.now();
    await step();
    console.log(`  ✓ ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  }
  console.log(`  ${Object.keys(steps).length} steps in ${((Date.now() - began) / 1000).toFixed(1)} s`);
} catch (error) {
  await stage.failed();
  console.error(
    `  ✗ ${current}\n\n${error.stack}\n\nlast picture: ${stage.lastPicture}\nthe app's log (${stage.log}):\n${stage.appLog()}`,
  );
  process.exitCode = 1;
} finally {
  await stage.clear();
}
