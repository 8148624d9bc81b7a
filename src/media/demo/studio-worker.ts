/** A worker thread that draws demo pictures on demand (demo-library.ts starts it). */
import { parentPort, workerData } from 'node:worker_threads';
import { Studio } from './studio.ts';

const port = parentPort;
if (port !== null) {
  const studio = new Studio();
  const { folder } = workerData as { folder: string };
  // What fails here ends the thread, and its starter hears of it.
  port.on('message', async (index: number) => {
    await studio.make(index, folder);
    port.postMessage(index);
  });
}
