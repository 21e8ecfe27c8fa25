import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { externalBootstrap } from './vite/external-bootstrap.ts';
import './vite/node20.ts';

export default defineConfig({
  plugins: [
    sveltekit({
      // One page for every path: routes are resolved in the window, from the URL.
      adapter: externalBootstrap(adapter({ fallback: 'index.html', pages: 'build' })),
      // The files are local, so one script and one stylesheet paint sooner than a waterfall of chunks.
      output: { bundleStrategy: 'single' },
      // A desktop window keeps its page for days; polling for a new build would be traffic for nothing.
      version: { name: 'selfheal', pollInterval: 0 },
    }),
    svelteTesting(),
  ],
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts', 'vite/**/*.test.ts'],
    // Formatting tests must not depend on where they run.
    env: { TZ: 'UTC' },
  },
});
