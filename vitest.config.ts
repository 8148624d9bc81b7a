import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

// Each sync starts a thread, and end-to-end tests start the program hundreds of times: compiling is half of their time.
// biome-ignore lint/style/noProcessEnv: Node itself reads it, in the processes that tests start.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

type TestOptions = NonNullable<ViteUserConfig['test']>;

/** What all tests share. */
export const shared = {
  globalSetup: ['test/support/global-setup.ts'],
  // Limits are for what never ends. A machine that is busy with other things takes many times as long as a quiet one.
  testTimeout: 300_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 60_000 } },
  pool: 'forks',
  // Continuous integration has two cores; some tests wait for a time-out, a retry or another process.
  maxWorkers: 3,
} satisfies TestOptions;

/** `npm test`: everything but what starts the program or its services dozens of times, kills them, and waits. */
export default defineConfig({
  test: { ...shared, include: ['test/**/*.test.ts'], exclude: ['test/**/*.{long,soak}.test.ts'] },
});
