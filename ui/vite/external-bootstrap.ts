/**
 * Moves SvelteKit's inline start script into a file of its own.
 *
 * Both hosts serve the window under `default-src 'self'`, which forbids inline scripts. A hash in a meta tag cannot widen a
 * policy that arrives as a response header, so the only form that works in every host is a script with an address.
 */
import type { Adapter, Builder } from '@sveltejs/kit';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const INLINE = /<script>([\s\S]*?)<\/script>/;

export interface Split {
  html: string;
  /** Name inside the page's root folder, without a leading slash. */
  file: string;
  script: string;
}

/** Splits a page into markup without inline script, and the script. Throws where there is not exactly one. */
export function split(html: string): Split {
  const found = INLINE.exec(html);
  const script = found?.[1]?.trim();
  if (!found || !script) throw new Error('external-bootstrap: the page holds no inline start script');
  const digest = createHash('sha256').update(script).digest('hex').slice(0, 10);
  const file = `_app/start.${digest}.js`;
  const rest = html.replace(found[0], () => `<script src="/${file}"></script>`);
  if (INLINE.test(rest)) throw new Error('external-bootstrap: more than one inline script');
  return { html: rest, file, script };
}

export function externalBootstrap(inner: Adapter, pages = 'build', page = 'index.html'): Adapter {
  return {
    ...inner,
    name: `${inner.name} with external start script`,
    async adapt(builder: Builder) {
      await inner.adapt(builder);
      const path = join(pages, page);
      const { html, file, script } = split(readFileSync(path, 'utf8'));
      writeFileSync(join(pages, file), `${script}\n`);
      writeFileSync(path, html);
    },
  };
}
