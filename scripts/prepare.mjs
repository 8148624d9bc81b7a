// What `npm ci` builds. npm also runs it each time npx links this clone, as in the first `npx rollcall`: a build that
// is up to date is left alone then, since a server may be running from it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.built-from');

/** Every source with its size and time of change, and the lock file's contents: the bundle holds the dependencies. */
function sources() {
  const generated = join('catalog', 'generated');
  const inSrc = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(tsx?|css|html|json)$/.test(name) && !name.startsWith(generated))
    .map((name) => join('src', name));
  const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'vite.config.ts', 'scripts/bundle.mjs'];
  const files = [...inSrc, 'prisma/schema.prisma', ...settings].sort().map((name) => {
    const { size, mtimeMs } = statSync(join(root, name));
    return `${name} ${size} ${mtimeMs}`;
  });
  // By its contents, since npm also writes it when nothing in it has changed.
  const dependencies = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return [...files, `package-lock.json ${dependencies}`].join('\n');
}

function builtFrom() {
  try {
    return readFileSync(stamp, 'utf8');
  } catch {
    return null;
  }
}

const now = sources();
if (builtFrom() !== now) {
  const { status } = spawnSync('npm run build', { cwd: root, stdio: 'inherit', shell: true });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, now);
}
