/**
 * Writes what the code generates into the tree: `npm run generate`. With `--check` it only compares, and fails where the
 * tree says something else than the code.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { binary, cargoEnv, ROOT } from './lib/paths.mjs';
import { capture, Failed, show } from './lib/run.mjs';

const OPENAPI = 'ui/src/api/openapi.json';
const CLIENT = 'ui/src/api/schema.ts';
const CONFIGURATION = 'args/schema/monitoring_config.json';

/** Where a document can be put: it ends with exactly one line end. */
const text = (output) => `${output.trimEnd()}\n`;

/** With the binary as it is built. */
async function generateInto(folder) {
  const write = (path, content) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  write(OPENAPI, text(await capture(binary('selfheal'), ['openapi'])));
  write(CONFIGURATION, text(await capture(binary('selfheal'), ['schema'])));
  const openapiTypescript = join(ROOT, 'ui/node_modules/openapi-typescript/bin/cli.js');
  await capture(process.execPath, [openapiTypescript, join(folder, OPENAPI), '-o', join(folder, CLIENT)], {
    cwd: join(ROOT, 'ui'),
  });
}

export async function check() {
  const folder = mkdtempSync(join(tmpdir(), 'selfheal-generated-'));
  try {
    await generateInto(folder);
    const differ = [OPENAPI, CLIENT, CONFIGURATION].filter((path) => read(join(folder, path)) !== read(join(ROOT, path)));
    if (differ.length === 0) return;
    throw new Failed(
      `${differ.join(', ')} ${differ.length > 1 ? 'are' : 'is'} not what the code generates: run \`npm run generate\``,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await show('cargo', ['build', '--locked', '--quiet', '-p', 'selfheal'], { env: cargoEnv });
    if (process.argv.includes('--check')) await check();
    else await generateInto(ROOT);
  } catch (error) {
    console.error(error instanceof Failed ? `${error.message}\n${error.output}`.trimEnd() : error);
    process.exit(1);
  }
}
