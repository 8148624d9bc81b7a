import { defineConfig } from 'vitest/config';
import { shared } from './vitest.config.ts';

/** `npm run test:soak`: random histories and long days, for as long as one likes. */
export default defineConfig({ test: { ...shared, include: ['test/**/*.soak.test.ts'] } });
