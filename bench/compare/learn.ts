/** What is learnt once, before anything is measured. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makePhotoFiles } from '../support/photo-files.ts';
import { timed } from './timed.ts';
import { rollcall, type Toolbox } from './tools.ts';

/**
 * What a bucket honours, which is learnt once for each address by some thirty requests; and the tables of a database that
 * has none yet.
 */
export async function learn(box: Toolbox, signal: AbortSignal): Promise<void> {
  const { port } = new URL(box.ground.s3.endpoint);
  const root = join(box.folder, `learn-${port}`);
  if (!existsSync(root)) await makePhotoFiles(root, 1, { contents: true }, signal);
  await timed(rollcall(box, { root, prefix: `learn-${port}/` }), signal);
}
