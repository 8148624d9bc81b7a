import { defineConfig } from 'vitest/config';
import { shared } from './vitest.config.ts';

/** `npm run test:long`: killed processes, outages, hundreds of albums. */
export default defineConfig({ test: { ...shared, include: ['test/**/*.long.test.ts'] } });
