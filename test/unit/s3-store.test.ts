import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BodyFiles } from '../../src/embedded/s3/bodies.ts';
import { openDatabase } from '../../src/embedded/s3/database.ts';
import { S3Error } from '../../src/embedded/s3/errors.ts';
import { listPage } from '../../src/embedded/s3/listing.ts';
import { type ListedObject, ObjectStore, type StoredObject } from '../../src/embedded/s3/store.ts';

let dir: string;
let store: ObjectStore;
let bodies: BodyFiles;
let logged: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollcall-s3-store-'));
  await open();
});

afterEach(async () => {
  await close();
  await rm(dir, { recursive: true });
});

async function open(): Promise<void> {
  logged = [];
  store = new ObjectStore(openDatabase(join(dir, 's3.sqlite'), true), {
    syncFolders: () => bodies.syncFolders(),
    remove: (ids) => bodies.remove(ids),
  });
  const log = (line: string) => logged.push(line);
  const isUsed = (id: number) => store.isBodyUsed(id);
  const folder = join(dir, 'bodies');
  bodies = await BodyFiles.open({ folder, durable: true, highestUsed: store.highestBody(), isUsed, log });
}

async function close(): Promise<void> {
  await bodies.close();
  await store.close();
}

async function writeBody(text: string): Promise<number> {
  const writer = bodies.create();
  await writer.write(Buffer.from(text));
  await writer.finish();
  return writer.id;
}

async function readBody(id: number, length: number): Promise<string> {
  let text = '';
  for await (const chunk of bodies.read(id, 0, length)) text += chunk.toString();
  return text;
}

async function files(): Promise<string[]> {
  const entries = await readdir(join(dir, 'bodies'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

function object(key: string, body: number | null = null): StoredObject {
  return {
    ...{ bucket: 'b', key, size: 4, etag: 'e', modifiedMs: 1000, storageClass: 'STANDARD', checksum: null, body },
    ...{ restoreReadyMs: null, restoreExpiryMs: null, uploadId: null, partCount: 0 },
    described: { headers: { 'content-type': 'image/jpeg' }, metadata: { mtime: '1' } },
  };
}

test('an object is what was stored, also after the files were closed and opened again', async () => {
  const stored = { ...object('a\u0000ü😀', await writeBody('body')), checksum: checksum() };
  await store.commit(() => store.putObject(stored));
  expect(store.object('b', 'a\u0000ü😀')).toEqual(stored);
  await close();
  await open();
  expect(store.object('b', 'a\u0000ü😀')).toEqual(stored);
  expect(await readBody(stored.body!, 4)).toBe('body');
});

function checksum() {
  return { algorithm: 'CRC32', value: 'y/Q5Jg==', type: 'FULL_OBJECT' } as const;
}

test('a body loses its file when its object is replaced or deleted', async () => {
  const [first, second] = [await writeBody('old!'), await writeBody('new!')];
  await store.commit(() => store.putObject(object('k', first)));
  await store.commit(() => store.putObject(object('k', second)));
  await bodies.close();
  expect(await files()).toHaveLength(1);
  expect(await readBody(second, 4)).toBe('new!');
  await store.commit(() => store.deleteObject('b', 'k'));
  await bodies.close();
  expect(await files()).toEqual([]);
  expect(logged).toEqual([]);
});

test('who reads a body can read it to its end, whatever happens to the object', async () => {
  const body = await writeBody('kept');
  await store.commit(() => store.putObject(object('k', body)));
  const release = bodies.hold([body]);
  await store.commit(() => store.deleteObject('b', 'k'));
  await bodies.close();
  expect(await readBody(body, 4)).toBe('kept');
  release();
  release();
  await bodies.close();
  expect(await files()).toEqual([]);
});

test('a body that objects share stays until the last of them is gone, also over a restart', async () => {
  const body = await writeBody('same');
  await store.commit(() => store.putObject(object('first', body)));
  await store.commit(() => store.putObject(object('second', body)));
  await store.commit(() => store.deleteObject('b', 'first'));
  await close();
  await open();
  await bodies.sweep((from, to) => store.bodiesInUse(from, to), new AbortController().signal);
  expect(await readBody(body, 4)).toBe('same');
  await store.commit(() => store.putObject(object('second', null)));
  await bodies.close();
  expect(await files()).toEqual([]);
});

test('a body whose object goes while it is copied stays with the copy, or goes with a copy that failed', async () => {
  for (const fails of [false, true]) {
    const body = await writeBody('same');
    await store.commit(() => store.putObject(object('source', body)));
    const release = bodies.hold([body]);
    await store.commit(() => store.deleteObject('b', 'source'));
    if (fails) bodies.remove([body]);
    else await store.commit(() => store.putObject(object('copy', body)));
    release();
    await bodies.close();
    // The second time what is left is the first one's copy.
    expect(await files()).toHaveLength(1);
  }
  await store.commit(() => store.deleteObject('b', 'copy'));
  await bodies.close();
  expect(await files()).toEqual([]);
});

test('a body is kept when it cannot be told whether an object needs it', async () => {
  const body = await writeBody('kept');
  const release = bodies.hold([body]);
  await store.commit(() => store.putObject(object('k', body)));
  bodies.remove([body]);
  await store.close();
  release();
  await bodies.close();
  expect(await files()).toHaveLength(1);
  expect(logged).toHaveLength(1);
  await open();
});

test('the files of a version that gave each copy a body of its own are taken over, others refused', async () => {
  const body = await writeBody('kept');
  await store.commit(() => store.putObject(object('k', body)));
  await close();
  setVersion(1);
  await open();
  expect(store.object('b', 'k')).toEqual(object('k', body));
  await close();
  expect(setVersion(3)).toBe(2);
  expect(() => openDatabase(join(dir, 's3.sqlite'), true)).toThrow('version 3');
  setVersion(2);
  await open();
});

/** Answers the one before. */
function setVersion(version: number): unknown {
  const database = new DatabaseSync(join(dir, 's3.sqlite'));
  const before = database.prepare('PRAGMA user_version').get()?.['user_version'];
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
  return before;
}

test('what a crash left behind is swept at the next start, and nothing else', async () => {
  const kept = await writeBody('kept');
  await store.commit(() => store.putObject(object('k', kept)));
  await writeBody('never committed');
  await close();
  await open();
  const fresh = await writeBody('in the middle of an upload');
  await bodies.sweep((from, to) => store.bodiesInUse(from, to), AbortSignal.timeout(150_000));
  expect(await files()).toHaveLength(2);
  expect(await readBody(kept, 4)).toBe('kept');
  expect(await readBody(fresh, 6)).toBe('in the');
});

test('a sweep leaves the body of a copy that was made since it asked which are in use', async () => {
  const body = await writeBody('same');
  await store.commit(() => store.putObject(object('first', body)));
  await close();
  await open();
  const release = bodies.hold([body]);
  await store.commit(() => store.deleteObject('b', 'first'));
  const inUse = store.bodiesInUse(0, Number.MAX_SAFE_INTEGER);
  expect(inUse.has(body)).toBe(false);
  await store.commit(() => store.putObject(object('copy', body)));
  release();
  await bodies.sweep(() => inUse, AbortSignal.timeout(150_000));
  expect(await readBody(body, 4)).toBe('same');
});

test('a body whose last two objects go together goes once, and nothing is said of it', async () => {
  const body = await writeBody('same');
  await store.commit(() => store.putObject(object('first', body)));
  await store.commit(() => store.putObject(object('second', body)));
  await store.commit(() => {
    store.deleteObject('b', 'first');
    store.deleteObject('b', 'second');
  });
  await bodies.close();
  expect(await files()).toEqual([]);
  expect(logged).toEqual([]);
});

test('numbers of bodies are never given twice, even when all files are gone', async () => {
  const first = await writeBody('one');
  await store.commit(() => store.putObject(object('k', first)));
  await close();
  await rm(join(dir, 'bodies'), { recursive: true });
  await open();
  expect(await writeBody('two')).toBeGreaterThan(first);
});

test('works that share a transaction see each other, and one that refuses takes none with it', async () => {
  const results = await Promise.allSettled([
    store.commit(() => store.putObject(object('a'))),
    store.commit(() => {
      throw new S3Error('PreconditionFailed');
    }),
    store.commit(() => store.object('b', 'a')?.key),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(results[2]).toMatchObject({ value: 'a' });
  expect(store.object('b', 'a')).not.toBeNull();
});

test('a failure of the database undoes all that share the transaction, and keeps their bodies’ files', async () => {
  const body = await writeBody('body');
  await store.commit(() => store.putObject(object('kept', body)));
  const results = await Promise.allSettled([
    store.commit(() => null),
    store.commit(() => store.deleteObject('b', 'kept')),
    store.commit(() => store.insertBucket('twice', 1)),
    store.commit(() => store.insertBucket('twice', 2)),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
  expect(store.bucket('twice')).toBeNull();
  expect(store.object('b', 'kept')).toEqual(object('kept', body));
  expect(await readBody(body, 4)).toBe('body');
});

test('a second process on the same files is refused', () => {
  expect(() => openDatabase(join(dir, 's3.sqlite'), true)).toThrow(/in use by another process/);
});

const keys = fc.uniqueArray(
  fc.string({
    unit: fc.constantFrom('a', 'b', '/', '!', '\u0000', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'),
    minLength: 1,
    maxLength: 5,
  }),
  { maxLength: 60 },
);
const part = fc.string({ unit: fc.constantFrom('a', '/', '\ud7ff', '😀', '\u{10ffff}'), maxLength: 3 });
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('pages of any length show what the plain way of listing shows', async () => {
  const property = fc.asyncProperty(
    ...([keys, part, fc.constantFrom('', '/', '//', 'a/'), part, fc.integer({ min: 1, max: 7 })] as const),
    async (names, prefix, delimiter, after, maxKeys) => {
      await store.commit(() => {
        for (const { key } of [...store.scan('b', '', null)]) store.deleteObject('b', key);
        for (const name of names) store.putObject(object(name));
      });
      const expected = new Set<string>();
      for (const name of names.toSorted(byBytes)) {
        const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
        const item = at === -1 ? name : name.slice(0, at + delimiter.length);
        if (name.startsWith(prefix) && byBytes(item, after) > 0) expected.add(item);
      }
      const seen: string[] = [];
      for (let from: string | null = after; from !== null; ) {
        const page = listPage(store, { bucket: 'b', prefix, delimiter, after: from, maxKeys });
        const items = [...page.objects.map((one) => one.key), ...page.prefixes].sort(byBytes);
        expect(items.length === maxKeys || !page.truncated).toBe(true);
        seen.push(...items);
        from = page.truncated ? page.last : null;
      }
      expect(seen).toEqual([...expected]);
    },
  );
  await fc.assert(property, { numRuns: 300 });
});

test('a listing reads few rows beside those it shows', async () => {
  await store.commit(() => {
    for (let i = 0; i < 20_000; i++) store.putObject(object(`${i % 4}/${String(i).padStart(6, '0')}`));
  });
  let rows = 0;
  const counting = {
    *scan(...range: Parameters<ObjectStore['scan']>): Iterable<ListedObject> {
      for (const row of store.scan(...range)) {
        rows++;
        yield row;
      }
    },
  };
  const ask = { bucket: 'b', prefix: '', delimiter: '', after: '2/010000', maxKeys: 1000 };
  expect(listPage(counting, ask).objects).toHaveLength(1000);
  expect(rows).toBeLessThanOrEqual(1001);
  rows = 0;
  expect(listPage(counting, { ...ask, delimiter: '/', after: '' }).prefixes).toEqual(['0/', '1/', '2/', '3/']);
  expect(rows).toBeLessThan(100);
});
