import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Lab's packages import pictures as text, and style sheets, which tests do without. */
const pictures = {
  name: 'pictures',
  enforce: 'pre' as const,
  load(id: string) {
    return id.endsWith('.svg') ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))}` : null;
  }
};

export default defineConfig({
  plugins: [pictures],
  esbuild: { jsx: 'automatic' },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/testing/setup.ts'],
    css: false,
    server: { deps: { inline: [/@jupyterlab/, /@lumino/, /@jupyter\//] } }
  }
});
