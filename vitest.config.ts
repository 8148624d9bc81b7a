import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Each sync starts a thread, and end-to-end tests start the program hundreds of times: compiling is half of their time.
// biome-ignore lint/style/noProcessEnv: Node itself reads it, in the processes that tests start.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Two cores are what continuous integration has; more workers only make the servers of the tests queue.
    maxWorkers: 2,
  },
});
