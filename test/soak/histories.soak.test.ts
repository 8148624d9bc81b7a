/**
 * The histories of test/integration/histories.test.ts, others each time, for as long as SECONDS says (600), with processes
 * that are killed. A failure prints SEED and REPLAY, with which it comes again; SHRINK=1 makes it shorter.
 */
import { test } from 'vitest';
import { histories } from '../support/histories.ts';

histories({ runs: 1_000_000, seconds: 600, steps: 24, kills: true }, test);
