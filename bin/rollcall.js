#!/usr/bin/env node
// Says what is missing in words: without these checks an old Node or an unbuilt clone would answer with a stack.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import module from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(
    `rollcall: Node 22.13 or newer is needed, this is ${process.version} (in a clone: npx rollcall)\n`,
  );
  process.exitCode = 2;
} else if (!existsSync(new URL('../dist/bundle/main.js', import.meta.url))) {
  process.stderr.write('rollcall: not built yet; run: npm run build\n');
  process.exitCode = 2;
} else {
  // A fifth of a short command's time is compiling what never changes.
  module.enableCompileCache?.();
  // Pictures are decoded in the threads in which files are read and names looked up: one for each processor, and the
  // usual four for everything else. Libuv looks at it when the first of them starts, so no later than here.
  // biome-ignore lint/style/noProcessEnv: a setting of Node's and not of Rollcall's
  process.env.UV_THREADPOOL_SIZE ??= String(availableParallelism() + 4);
  await import('../dist/bundle/main.js');
}
