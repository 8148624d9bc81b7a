/**
 * The HTTP API's parts as plain objects of a test's own making, for what the API itself decides: validation, errors,
 * who may call. What the real parts do together, the end-to-end tests say.
 */
import { randomUUID } from 'node:crypto';
import { RollcallError } from '../../src/errors.ts';
import type { HealthReport, HttpParts } from '../../src/http/parts.ts';
import type { Action } from '../../src/sync/actions.ts';
import type { AlbumView, ArchivedObject, LibraryStore, LibraryTotals, PhotoView } from '../../src/sync/browse.ts';
import { type CatalogFigures, NOTHING_DONE } from '../../src/sync/figures.ts';
import type { PhotoSides } from '../../src/sync/photo-sides.ts';
import type { RunActionView, RunView } from '../../src/sync/run-history.ts';
import type { RunState } from '../../src/sync/run-state.ts';
import type { SyncRequest, SyncService } from '../../src/sync/service.ts';
import type { Library, Report } from '../../src/sync/types.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export interface TestParts extends HttpParts {
  /** What sync() was asked for, in order. */
  readonly asked: SyncRequest[];
  readonly lines: LogLine[];
  readonly checked: string[];
}

export const UPLOAD: Action = {
  kind: 'upload',
  key: 'photos/a.jpg',
  path: 'a.jpg',
  reason: 'new on disk',
  local: { size: 3, mtimeNs: 1_763_000_000_123_456_789n, device: 2049n, inode: 9_007_199_254_740_993n },
};

export const REPORT: Report = {
  runId: '0d1f0a52-6f0f-4d39-bd0c-1c7c7c7b0a01',
  status: 'succeeded',
  photos: { new: 1, existing: 0, orphaned: 0, moved: 0, changed: 0, untracked: 0, lost: 0 },
  actions: {
    uploaded: 1,
    reuploaded: 0,
    skipped: 0,
    adopted: 0,
    moved: 0,
    copied: 0,
    downloaded: 0,
    updated: 0,
    marked: 0,
    deleted: 0,
    conflicts: 0,
    unstable: 0,
    waiting: 0,
    failed: 0,
  },
  bytes: { uploaded: 3, downloaded: 0 },
  requests: { head: 0, list: 1, get: 0, put: 1, copy: 0, delete: 0 },
  retries: 0,
  cost: { usd: 0.00001 },
  durationMs: 12,
  warnings: [],
  failures: [],
  conflicts: [],
};

export const LIBRARY: Library = {
  id: '11111111-1111-4111-8111-111111111111',
  name: 'Family',
  root: '/srv/photos',
  bucket: 'family',
  prefix: 'photos/',
  excludes: [],
  sync: 'up',
};

export const ALBUM: AlbumView = {
  id: '22222222-2222-4222-8222-222222222222',
  libraryId: LIBRARY.id,
  path: '2024/summer',
  photos: 1,
  bytes: 3,
  states: { pending: 0, synced: 1, missing: 0, orphaned: 0, lost: 0, archived: 0, conflict: 0, failed: 0 },
};

export const PHOTO: PhotoView = {
  id: '33333333-3333-4333-8333-333333333333',
  libraryId: LIBRARY.id,
  albumId: ALBUM.id,
  path: '2024/summer/a.jpg',
  fileName: 'a.jpg',
  bucket: 'family',
  key: 'photos/2024/summer/a.jpg',
  kind: 'image',
  contentType: 'image/jpeg',
  size: 3,
  modifiedAt: '2024-07-01T10:00:00.000Z',
  md5: '900150983cd24fb0d6963f7d28e17f72',
  etag: '900150983cd24fb0d6963f7d28e17f72',
  storageClass: 'STANDARD',
  state: 'synced',
  orphanedAt: null,
  lastError: null,
  verifiedAt: null,
  checkedAt: null,
  damage: null,
  media: null,
  width: null,
  height: null,
  durationMs: null,
  takenAt: null,
  takenOffset: null,
  takenFrom: null,
  thumbhash: null,
  metadata: null,
  variants: [],
  createdAt: '2024-07-01T10:00:00.000Z',
  updatedAt: '2024-07-01T10:00:00.000Z',
};

export const RUN: RunView = {
  id: '44444444-4444-4444-8444-444444444444',
  libraryId: LIBRARY.id,
  parentId: null,
  album: null,
  kind: 'sync',
  status: 'succeeded',
  policy: { dryRun: false },
  report: REPORT,
  progress: null,
  cancelAt: null,
  startedAt: '2024-07-01T10:00:00.000Z',
  finishedAt: '2024-07-01T10:00:01.000Z',
};

export const RUN_STATE: RunState = {
  ...{ runId: RUN.id, library: LIBRARY.name, status: 'succeeded', cancelled: false, phase: 'done', scanned: 1 },
  ...{ actions: { done: 1, total: 1 }, bytes: { done: 3, total: 3 }, lastPath: null, parts: [] },
  ...{ heardMs: 1_719_828_001_000, changedMs: 1_719_828_001_000 },
};

export const DONE: RunActionView = {
  ...{ id: '1', kind: 'upload', path: 'a.jpg', key: 'photos/a.jpg', outcome: 'done', bytes: 3, code: null },
  ...{ message: null, at: '2024-07-01T10:00:00.500Z' },
};

export const ARCHIVED: ArchivedObject = {
  id: '55555555-5555-4555-8555-555555555555',
  libraryId: LIBRARY.id,
  bucket: 'family',
  key: 'photos/2014/a.jpg',
  photoId: PHOTO.id,
  storageClass: 'DEEP_ARCHIVE',
  what: 'move',
  status: 'in progress',
  requestedAt: '2024-07-01T10:00:00.000Z',
  restoredUntil: null,
  lastError: null,
  createdAt: '2024-07-01T09:00:00.000Z',
};

export const HEALTH: HealthReport = {
  status: 'ok',
  version: '1.2.3',
  parts: {
    database: { ok: true, version: 'PostgreSQL 18.4' },
    bucket: { ok: true, endpoint: 'http://127.0.0.1:9000', bucket: 'family', lacks: ['no If-Match on DELETE'] },
    roots: [{ library: 'Family', root: '/srv/photos', ok: true }],
    twoWay: [{ library: 'Family', ok: true, lastGoodAt: '2024-07-01T10:00:00.000Z' }],
    libraries: [{ library: 'Family', lastGoodAt: '2024-07-01T10:00:00.000Z', ageSeconds: 60 }],
    queue: { ok: true, queues: [{ queue: 'sync-album', waiting: 2, active: 1, dead: 0 }] },
  },
};

export const TOTALS: LibraryTotals = {
  id: LIBRARY.id,
  name: LIBRARY.name,
  albums: 1,
  photos: 1,
  bytes: 3,
  states: ALBUM.states,
};

export const SIDES: PhotoSides = {
  disk: { state: 'there', size: 3, modifiedAt: '2024-07-01T10:00:00.000Z' },
  bucket: { state: 'unreadable', code: 'OBJECT_DENIED', message: 'Access Denied' },
};

export const FIGURES: CatalogFigures = {
  ended: [],
  open: { queued: 0, running: 0 },
  done: NOTHING_DONE,
  libraries: [{ library: LIBRARY.name, photos: ALBUM.states, lastGoodMs: null }],
};

const page = <Item>(items: readonly Item[], limit: number) => ({
  items: items.slice(0, limit),
  nextCursor: items.length > limit ? 'next' : null,
});

function libraryStore(libraries: Map<string, Library>): LibraryStore {
  const find = (idOrName: string) =>
    libraries.get(idOrName) ?? [...libraries.values()].find(({ name }) => name === idOrName) ?? null;
  return {
    list: async ({ limit }) => page([...libraries.values()], limit),
    find: async (idOrName) => find(idOrName),
    create: async (library) => {
      if (find(library.name) !== null)
        throw new RollcallError('LIBRARY_CONFLICT', `there is a ${library.name} already`);
      const created = { sync: 'up' as const, ...library, id: randomUUID() };
      libraries.set(created.id, created);
      return created;
    },
    ensure: async () => {
      throw new Error('the API does not ask for this');
    },
    update: async (id, change) => {
      const updated = { ...libraries.get(id)!, ...change };
      libraries.set(id, updated);
      return updated;
    },
    remove: async (id) => {
      libraries.delete(id);
    },
    removeUnused: async () => {
      throw new Error('the API does not ask for this');
    },
  };
}

/** Answers as if there were nothing to do. */
export const SERVICE: SyncService = {
  sync: async () => REPORT,
  apply: async () => REPORT,
  applyKept: async () => REPORT,
  compare: async ({ album = null }) => [
    { library: LIBRARY, album, lists: { missing_in_s3: [], missing_locally: [], different: [], identical: [] } },
  ],
  files: async () => ({ results: [], report: REPORT }),
  reupload: async () => REPORT,
  verify: async () => REPORT,
  restore: async () => [ARCHIVED],
  restoreStatus: async () => [ARCHIVED],
};

/** One library with one album, one photo and one run; what a test gives replaces parts of it. */
export function testParts(replaced: Partial<HttpParts> = {}): TestParts {
  const asked: SyncRequest[] = [];
  const lines: LogLine[] = [];
  const checked: string[] = [];
  const line = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, message });
  };
  return {
    service: {
      ...SERVICE,
      sync: async (request) => {
        asked.push(request);
        return REPORT;
      },
    },
    queue: null,
    libraries: libraryStore(new Map([[LIBRARY.id, LIBRARY]])),
    openBucket: () => ({ presign: async (key) => `https://bucket.example/${key}` }),
    browser: {
      albums: async (filter, { limit }) =>
        page(filter.libraryId === undefined || filter.libraryId === LIBRARY.id ? [ALBUM] : [], limit),
      album: async (id) => (id === ALBUM.id ? ALBUM : null),
      albumByPath: async () => null,
      photos: async (_album, { state }, { limit }) =>
        page(state === undefined || state === PHOTO.state ? [PHOTO] : [], limit),
      photo: async (id) => (id === PHOTO.id ? PHOTO : null),
      allPhotos: async ({ state }, { limit }) =>
        page(state === undefined || state === PHOTO.state ? [PHOTO] : [], limit),
      totals: async () => [TOTALS],
      runs: async (_filter, { cursor, limit }) => page(cursor === undefined ? [RUN, RUN] : [RUN], limit),
      run: async (id) => (id === RUN.id ? RUN : null),
      follow: (id) => ({ read: async () => (id === RUN.id ? RUN_STATE : null) }),
      actions: async (id, { outcome }, { limit }) =>
        id === RUN.id ? page(outcome === undefined || outcome === DONE.outcome ? [DONE] : [], limit) : null,
      cancel: async (id) => {
        if (id !== RUN.id) return null;
        throw new RollcallError('RUN_ENDED', `the run ${id} has ended already`, { field: 'id' });
      },
      twoWayHistory: async () => [],
    },
    plans: { find: async () => null, steps: async () => null },
    archive: {
      list: async ({ libraryId }, { limit }) =>
        page(libraryId === undefined || libraryId === LIBRARY.id ? [ARCHIVED] : [], limit),
    },
    health: async () => HEALTH,
    metrics: { figures: async () => FIGURES, ping: async () => 'PostgreSQL 18.4', s3Requests: () => [] },
    tryLibrary: async () => ({ root: { ok: true, bare: false }, bucket: { ok: true } }),
    checkLibrary: async ({ root }) => {
      checked.push(root);
    },
    auth: { token: null },
    lookAt: async () => SIDES,
    schedule: { nextReconcileAt: () => '2024-07-02T03:00:00.000Z', twoWaySeconds: 60 },
    page: () => null,
    defaults: { bucket: 'default-bucket', prefix: 'default/' },
    log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    version: '1.2.3',
    asked,
    lines,
    checked,
    ...replaced,
  };
}
