/**
 * Opens Selfheal on a working demo: real services on loopback, broken for real and healed for real. With a display it is
 * the desktop app, without one the same window in a browser.
 */
import { buildWindow } from './lib/node.mjs';
import { binary, cargoEnv } from './lib/paths.mjs';
import { Failed, show, stay } from './lib/run.mjs';
import { spent, timed } from './lib/time.mjs';
import { setup } from './setup.mjs';

const hasDisplay = process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

try {
  const began = Date.now();
  await setup({ window: hasDisplay });
  console.log('Build');
  await buildWindow();
  const crate = hasDisplay ? 'selfheal-desktop' : 'selfheal';
  await timed(crate, () => show('cargo', ['build', '--locked', '-p', crate], { env: cargoEnv }));
  console.log(`  built after ${spent(Date.now() - began)}\n`);
  if (!hasDisplay)
    console.log('There is no display, so the window is served on loopback: open the address below in a browser.\n');
  process.exit(await stay(binary(crate), hasDisplay ? ['--demo', '--play'] : ['demo', '--play']));
} catch (error) {
  console.error(error instanceof Failed ? `${error.output}\n${error.message}` : error);
  process.exit(1);
}
