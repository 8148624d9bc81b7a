/** LibraryStore: the libraries, of which no two may overlap in a bucket. */
import { RollcallError } from '../errors.ts';
import type { EnsuredLibrary, LibraryStore, NewLibrary } from '../sync/browse.ts';
import type { Library } from '../sync/types.ts';
import { cursorParts, isText, isUuid, limitOf, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import type { Prisma } from './generated/client.ts';
import { lockScope } from './lock.ts';

/** Creators take turns, so that two of them cannot both find the place free. Any number that is ours will do. */
const CREATION_LOCK = 7_655_120_401_117_001n;

const COLUMNS = '"id", "name", "root", "bucket", "prefix", "excludes", "sync"';

type Transaction = Prisma.TransactionClient;

/**
 * The libraries of a catalog, none of them below `variantsPrefix` ('': anywhere). Changes of the place in the bucket,
 * and removal, wait for no run: SYNC_IN_PROGRESS.
 */
export function libraryStore(database: Database, variantsPrefix: string): LibraryStore {
  const find = async (idOrName: string) => {
    if (!isText(idOrName)) return null;
    const byId = isUuid(idOrName) ? await byIdOrNull(database, idOrName) : null;
    return byId ?? one(database, '"name" = $1', [idOrName]);
  };
  return {
    list: async (page) => {
      const limit = limitOf(page);
      const after = cursorParts(page, [isText])?.[0];
      const sql = `SELECT ${COLUMNS} FROM "Library" WHERE $1::text IS NULL OR "name" > $1 ORDER BY "name" LIMIT $2`;
      const { rows } = await database.ask(() => database.pool.query<Library>(sql, [after ?? null, limit + 1]));
      return pageOf(
        rows,
        limit,
        (row) => row,
        (row) => [row.name],
      );
    },
    find,
    create: (library) =>
      oneAtATime(database, async (tx) => {
        checkVariants(library, variantsPrefix);
        await checkPlace(tx, library, null);
        await checkName(tx, library.name, null);
        return libraryOf(await tx.library.create({ data: dataOf(library) }));
      }),
    ensure: async (library) =>
      (await asWanted(database, library)) ?? oneAtATime(database, (tx) => ensure(tx, library, variantsPrefix)),
    update: (id, change) => update(database, id, change, variantsPrefix),
    remove: (id) => remove(database, id, {}),
    removeUnused: (id) => remove(database, id, { albums: { none: {} } }),
  };
}

/** The library that is asked for, if it is there as it is wanted: as a rule, and for that nobody waits. */
async function asWanted(
  database: Database,
  { bucket, prefix, root, excludes }: EnsuredLibrary,
): Promise<Library | null> {
  const there = await one(database, '"bucket" = $1 AND "prefix" = $2', [bucket, prefix]);
  if (there === null || there.root !== root) return null;
  return excludes === undefined || sameExcludes(there.excludes, excludes) ? there : null;
}

function sameExcludes(these: readonly string[], those: readonly string[]): boolean {
  return JSON.stringify(these) === JSON.stringify(those);
}

async function ensure(tx: Transaction, asked: EnsuredLibrary, variantsPrefix: string): Promise<Library> {
  const wanted: NewLibrary = { excludes: [], ...asked };
  const there = await tx.library.findUnique({
    where: { bucket_prefix: { bucket: wanted.bucket, prefix: wanted.prefix } },
  });
  if (there === null) {
    checkVariants(wanted, variantsPrefix);
    await checkPlace(tx, wanted, null);
    return libraryOf(await tx.library.create({ data: { ...dataOf(wanted), name: await freeName(tx, wanted.name) } }));
  }
  if (there.root !== wanted.root) {
    throw new RollcallError(
      'LIBRARY_CONFLICT',
      `s3://${there.bucket}/${there.prefix} belongs to library "${there.name}" with root ${there.root}, not ` +
        `${wanted.root}. Sync to another prefix; or, if the photos moved, give library "${there.name}" the new root`,
      { field: 'root' },
    );
  }
  const excludes = asked.excludes ?? there.excludes;
  if (sameExcludes(there.excludes, excludes)) return libraryOf(there);
  return libraryOf(await tx.library.update({ where: { id: there.id }, data: { excludes: [...excludes] } }));
}

async function update(
  database: Database,
  id: string,
  change: Partial<NewLibrary>,
  variantsPrefix: string,
): Promise<Library> {
  const before = await known(database, id);
  const moved =
    (change.bucket ?? before.bucket) !== before.bucket || (change.prefix ?? before.prefix) !== before.prefix;
  // A run that is under way would write rows with keys of the old place.
  const signal = new AbortController().signal;
  const lock = moved ? await lockScope(database, { library: before, album: null }, signal) : null;
  try {
    return await oneAtATime(database, async (tx) => {
      const after = { ...before, ...change };
      if (moved) {
        await checkEmpty(tx, before);
        checkVariants(after, variantsPrefix);
        await checkPlace(tx, after, id);
      }
      await checkName(tx, after.name, id);
      return libraryOf(await tx.library.update({ where: { id }, data: dataOf(after) }));
    });
  } finally {
    await lock?.release();
  }
}

async function remove(database: Database, id: string, only: Prisma.LibraryWhereInput): Promise<void> {
  const library = await known(database, id);
  const lock = await lockScope(database, { library, album: null }, new AbortController().signal);
  try {
    await database.askPrisma((prisma) => prisma.library.deleteMany({ where: { id, ...only } }));
  } finally {
    await lock.release();
  }
}

async function oneAtATime<Answer>(database: Database, work: (tx: Transaction) => Promise<Answer>): Promise<Answer> {
  return database.askPrisma((prisma) =>
    prisma.$transaction(
      async (tx) => {
        await tx.$executeRaw`SELECT pg_advisory_xact_lock(${CREATION_LOCK})`;
        return work(tx);
      },
      { maxWait: 10_000, timeout: 20_000 },
    ),
  );
}

/** Keys under overlapping prefixes would belong to two libraries, and each would take the other's for its own. */
async function checkPlace(tx: Transaction, library: NewLibrary, self: string | null): Promise<void> {
  const { prefix } = library;
  if (prefix !== '' && (!prefix.endsWith('/') || prefix !== prefix.normalize('NFC'))) {
    throw new RollcallError('BAD_INPUT', 'prefix must end in / and be in Unicode normal form NFC', { field: 'prefix' });
  }
  const others = await tx.library.findMany({ where: { bucket: library.bucket } });
  const other = others.find(
    (one) => one.id !== self && (one.prefix.startsWith(prefix) || prefix.startsWith(one.prefix)),
  );
  if (other === undefined) return;
  throw new RollcallError(
    'LIBRARY_CONFLICT',
    `s3://${library.bucket}/${prefix} overlaps library "${other.name}" at s3://${other.bucket}/${other.prefix}`,
    { field: 'prefix' },
  );
}

/** Its photos would be taken for variants that no photo has any more, and removed. */
function checkVariants({ bucket, prefix }: NewLibrary, variantsPrefix: string): void {
  if (variantsPrefix === '' || !prefix.startsWith(variantsPrefix)) return;
  const message = `s3://${bucket}/${prefix} is among the smaller pictures that Rollcall makes (S3_VARIANTS_PREFIX)`;
  throw new RollcallError('LIBRARY_CONFLICT', `${message}: take another prefix`, { field: 'prefix' });
}

async function checkName(tx: Transaction, name: string, self: string | null): Promise<void> {
  const other = await tx.library.findUnique({ where: { name } });
  if (other === null || other.id === self) return;
  throw new RollcallError('LIBRARY_CONFLICT', `there is a library "${name}" already`, { field: 'name' });
}

async function checkEmpty(tx: Transaction, library: Library): Promise<void> {
  const photo = await tx.photo.findFirst({ where: { libraryId: library.id }, select: { id: true } });
  if (photo === null) return;
  throw new RollcallError(
    'LIBRARY_CONFLICT',
    `library "${library.name}" has photos: its bucket and prefix stay as they are. Make another library instead`,
    { field: 'prefix' },
  );
}

/** `photos`, or `photos 2` if that is taken, and so on. */
async function freeName(tx: Transaction, wanted: string): Promise<string> {
  const rows = await tx.library.findMany({ select: { name: true } });
  const taken = new Set(rows.map((row) => row.name));
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted} ${n}`;
  return name;
}

async function known(database: Database, id: string): Promise<Library> {
  const row = isUuid(id) ? await byIdOrNull(database, id) : null;
  if (row === null) throw new RollcallError('NOT_FOUND', `there is no library with the id ${id}`);
  return row;
}

function byIdOrNull(database: Database, id: string): Promise<Library | null> {
  return one(database, '"id" = $1', [id]);
}

/** Asked by every command, and too little for Prisma's compiler to be loaded for. */
async function one(database: Database, where: string, values: readonly string[]): Promise<Library | null> {
  const sql = `SELECT ${COLUMNS} FROM "Library" WHERE ${where}`;
  const { rows } = await database.ask(() => database.pool.query<Library>(sql, [...values]));
  return rows[0] ?? null;
}

function dataOf({ name, root, bucket, prefix, excludes, sync }: NewLibrary) {
  return { name, root, bucket, prefix, excludes: [...excludes], ...(sync && { sync }) };
}

function libraryOf({ id, name, root, bucket, prefix, excludes, sync }: Library): Library {
  return { id, name, root, bucket, prefix, excludes, sync };
}
