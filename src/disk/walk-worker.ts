/** The thread of walks, one after the other (walkers.ts starts it). */
import { parentPort } from 'node:worker_threads';
import { BatchWriter } from './batch-writer.ts';
import { compileExcludes } from './excludes.ts';
import { TreeWalk } from './tree-walk.ts';
import type { WalkBatch, WalkJob } from './walk-messages.ts';

function main(job: WalkJob, post: (batch: WalkBatch, transfer: ArrayBuffer[]) => void): void {
  const taken = new Int32Array(job.taken);
  let sent = 0;
  const send = (batch: WalkBatch): void => {
    if (!batch.last) walk.checkRoot();
    const { sizes, mtimes, devices, inodes, births, links } = batch;
    post(
      batch,
      [sizes, mtimes, devices, inodes, births, links].map((column) => column.buffer),
    );
    sent++;
    for (let now = Atomics.load(taken, 0); sent - now > job.ahead; now = Atomics.load(taken, 0)) {
      Atomics.wait(taken, 0, now);
    }
  };
  const walk = new TreeWalk({
    root: job.root,
    prefix: job.prefix,
    excludes: compileExcludes(job.excludes),
    out: new BatchWriter(job.batchSize, send),
  });
  walk.run(job.album);
}

const port = parentPort;
port?.on('message', (job: WalkJob) => main(job, (batch, transfer) => port.postMessage(batch, transfer)));
