/**
 * Random histories of a library under every policy: people change disk and bucket, the catalog is lost, bucket, database
 * and process have bad days. After each step nothing may be lost or untrue; without trouble each sync comes to what the
 * model predicts, and soon to nothing to do.
 */
import { test } from 'vitest';
import { histories } from '../support/histories.ts';

/** The same histories each time, so that a change is judged and not its luck; others with SEED and HISTORIES. */
histories({ runs: 8, seed: 20, seconds: 22 }, test);
