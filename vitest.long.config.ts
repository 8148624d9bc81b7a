import { defineConfig } from 'vitest/config';
import { shared } from './vitest.config.ts';

/** `npm run test:long`: the program as a whole, dozens of times; killed processes, outages, hundreds of albums. */
export default defineConfig({ test: { ...shared, include: ['test/**/*.long.test.ts'] } });
