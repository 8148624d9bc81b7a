/**
 * Processes every picture of a folder, as a process of its own: `process-media.ts <folder> <at once> <threads each>`.
 * Prints how many there were and how long they took, without starting Node.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { openMedia } from '../../src/media/open-media.ts';
import type { MediaPort, MediaSource } from '../../src/sync/media-port.ts';

const MAX_PIXELS = 268_402_689;

async function main([folder = '', atOnce = '1', threads = '1']: readonly string[]): Promise<void> {
  const media = openMedia({ maxPixels: MAX_PIXELS, concurrency: Number(atOnce) });
  sharp.concurrency(Number(threads));
  const names = await readdir(folder);
  const begun = performance.now();
  const states = await Promise.all(names.map((name) => stateOf(media, folder, name)));
  const seconds = (performance.now() - begun) / 1000;
  await media.close();
  console.log(JSON.stringify({ seconds, states }));
}

async function stateOf(media: MediaPort, folder: string, fileName: string): Promise<string> {
  const handle = await open(join(folder, fileName));
  try {
    const { size } = await handle.stat();
    const source: MediaSource = {
      fileName,
      kind: 'image',
      size,
      mtimeNs: 0n,
      sidecar: null,
      async read(position, length) {
        const buffer = Buffer.allocUnsafe(length);
        await handle.read(buffer, 0, length, position);
        return buffer;
      },
    };
    return (await media.process(source, new AbortController().signal)).state;
  } finally {
    await handle.close();
  }
}

await main(process.argv.slice(2));
