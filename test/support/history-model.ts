/**
 * What a sync may do to a library, and what one that nothing disturbs must bring about: DESIGN 2, 3 and 6 written down
 * once more, naively, over what disk, rows and bucket hold.
 */
import type { Asked } from './history-steps.ts';
import { md5Of, type SeenFile, type SeenObject, type SeenRow, type SeenSides } from './sides.ts';

/** Names of the engine's own in the bucket: photos that step aside while others are renamed, and probes. */
export const OWN_NAME = /(?:^|\/)\.rollcall-/;

const SAME_MOMENT_NS = 1_000_000n;

export interface Rules {
  readonly sends: boolean;
  readonly fetches: boolean;
  readonly overwrite: 'never' | 'known' | 'newer' | 'source';
  readonly orphans: 'mark' | 'download' | 'delete';
  readonly deletes: boolean;
  readonly moves: boolean | 'only';
  readonly isInScope: (path: string) => boolean;
}

export function rulesOf(asked: Asked): Rules {
  const { direction = 'up', overwrite = 'known', orphans = 'mark', deleteNow = false, moves = true, album } = asked;
  return {
    sends: direction !== 'down',
    fetches: direction !== 'up',
    overwrite,
    orphans,
    deletes: orphans === 'delete' && deleteNow,
    moves,
    isInScope: (path) => album === undefined || folderOf(path) === album,
  };
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
}

interface Photo {
  readonly file?: SeenFile | undefined;
  readonly object?: SeenObject | undefined;
  readonly row?: SeenRow | undefined;
}

function photoAt({ disk, bucket, rows }: SeenSides, path: string): Photo {
  return { file: disk.get(path), object: bucket.get(path), row: rows.get(path) };
}

function fileIsRecorded({ file, row }: Photo): boolean {
  return row?.etag != null && row.size === file?.size && row.mtimeNs === file.mtimeNs;
}

function objectIsRecorded({ object, row }: Photo): boolean {
  return row?.etag != null && row.etag === object?.etag && row.size === object.content.length;
}

/** Which side replaces the other, of a photo that both have with different bytes. */
function winner(photo: Photo, { sends, fetches, overwrite }: Rules): 'disk' | 'bucket' | null {
  const { file, object } = photo;
  if (file === undefined || object === undefined) return null;
  switch (overwrite) {
    case 'never':
      return null;
    case 'source':
      return sends ? 'disk' : 'bucket';
    case 'newer': {
      const difference = file.mtimeNs - object.mtimeNs;
      if (difference > SAME_MOMENT_NS) return sends ? 'disk' : null;
      return difference < -SAME_MOMENT_NS && fetches ? 'bucket' : null;
    }
    case 'known': {
      if (objectIsRecorded(photo)) return sends ? 'disk' : null;
      if (fileIsRecorded(photo) && !isPartOf(object, file)) return fetches ? 'bucket' : null;
      const mayComplete = photo.row?.etag == null || fileIsRecorded(photo);
      return mayComplete && isPartOf(object, file) && sends ? 'disk' : null;
    }
  }
}

/** Is this the beginning of the file, and not all of it? */
function isPartOf(object: SeenObject, file: SeenFile): boolean {
  return object.content.length < file.content.length && file.content.startsWith(object.content);
}

export interface Prediction {
  readonly disk: ReadonlyMap<string, string>;
  readonly bucket: ReadonlyMap<string, string>;
}

/** What disk and bucket hold after a sync that nothing disturbs and that takes no rename for one. */
export function predict(before: SeenSides, rules: Rules): Prediction {
  const disk = new Map([...before.disk].map(([path, { content }]) => [path, content]));
  const bucket = new Map([...before.bucket].map(([path, { content }]) => [path, content]));
  if (rules.moves === 'only') return { disk, bucket };
  for (const path of new Set([...disk.keys(), ...bucket.keys()])) {
    if (!rules.isInScope(path) || OWN_NAME.test(path)) continue;
    const photo = photoAt(before, path);
    const { file, object, row } = photo;
    if (file !== undefined && object !== undefined) {
      if (file.content === object.content) continue;
      const side = winner(photo, rules);
      if (side === 'disk') bucket.set(path, file.content);
      if (side === 'bucket') disk.set(path, object.content);
    } else if (file !== undefined) {
      if (rules.sends) bucket.set(path, file.content);
    } else if (object !== undefined && row === undefined) {
      if (rules.fetches) disk.set(path, object.content);
    } else if (object !== undefined) {
      if (rules.deletes && objectIsRecorded(photo)) bucket.delete(path);
      else if (rules.orphans === 'download') disk.set(path, object.content);
    }
  }
  return { disk, bucket };
}

/** What is not as predicted. Renames explain what the prediction without them cannot; `conflicts`: as reported. */
export function unlike(
  after: SeenSides,
  predicted: Prediction,
  before: SeenSides,
  rules: Rules,
  conflicts: ReadonlySet<string>,
): string[] {
  const wrong: string[] = [];
  for (const path of new Set([...after.disk.keys(), ...predicted.disk.keys()])) {
    const [is, should] = [after.disk.get(path)?.content, predicted.disk.get(path)];
    if (is !== should && !(rules.moves !== false && wasRenamedAway(path, before, after))) {
      wrong.push(`file ${path} is ${short(is)}, not ${short(should)}`);
    }
  }
  for (const path of new Set([...after.bucket.keys(), ...predicted.bucket.keys()])) {
    if (OWN_NAME.test(path)) continue;
    const [is, should] = [after.bucket.get(path)?.content, predicted.bucket.get(path)];
    if (is === should) continue;
    // What a rename did is judged by `forbidden`; that it left a photo undone would be told.
    const agrees = is === after.disk.get(path)?.content;
    if (rules.moves !== false && (agrees || conflicts.has(path))) continue;
    // What took the place of a renamed photo is new, and only renames were asked for.
    if (rules.moves === 'only' && is === undefined && wasRenamedAway(path, before, after)) continue;
    wrong.push(`object ${path} is ${short(is)}, not ${short(should)}`);
  }
  return wrong;
}

/** Is the photo that this path had in the bucket at another one now? Then nothing was there to be brought back. */
function wasRenamedAway(path: string, before: SeenSides, after: SeenSides): boolean {
  const row = before.rows.get(path);
  return row !== undefined && [...after.rows.values()].some(({ id, path: now }) => id === row.id && now !== path);
}

/** What a sync did that policy does not let it do, whatever disturbed it and wherever it was cut off. */
export function forbidden(before: SeenSides, after: SeenSides, rules: Rules): string[] {
  return [...forbiddenOnDisk(before, after, rules), ...forbiddenInBucket(before, after, rules)];
}

function forbiddenOnDisk(before: SeenSides, after: SeenSides, rules: Rules): string[] {
  const wrong: string[] = [];
  const fetches = rules.moves !== 'only' && (rules.fetches || rules.orphans === 'download');
  for (const [path, file] of after.disk) {
    const was = photoAt(before, path);
    if (was.file === undefined) {
      const asked = was.row === undefined ? rules.fetches : rules.orphans === 'download';
      const mayCome = fetches && asked && rules.isInScope(path);
      if (!mayCome) wrong.push(`file ${path} came unasked`);
      else if (was.object?.content !== file.content) wrong.push(`file ${path} is not what the bucket had`);
    } else if (was.file.content !== file.content) {
      const mayReplace = rules.moves !== 'only' && rules.isInScope(path) && winner(was, rules) === 'bucket';
      if (!mayReplace) wrong.push(`file ${path} was replaced, and policy protects it`);
      else if (was.object?.content !== file.content) wrong.push(`file ${path} was replaced by something else`);
    } else if (was.file.mtimeNs !== file.mtimeNs) wrong.push(`file ${path} got another date`);
  }
  for (const path of before.disk.keys()) if (!after.disk.has(path)) wrong.push(`file ${path} was removed`);
  return wrong;
}

function forbiddenInBucket(before: SeenSides, after: SeenSides, rules: Rules): string[] {
  const wrong: string[] = [];
  for (const [path, object] of after.bucket) {
    if (OWN_NAME.test(path)) continue;
    const was = photoAt(before, path);
    if (was.object?.content === object.content) continue;
    if (!rules.sends) wrong.push(`object ${path} was written, and the sync goes down`);
    if (was.file?.content !== object.content) wrong.push(`object ${path} is not what the file held`);
    if (was.object === undefined || isMovedOn(path, before, after, rules)) continue;
    const mayReplace = rules.moves !== 'only' && winner(was, rules) === 'disk';
    if (!mayReplace) wrong.push(`object ${path} was replaced, and policy protects it`);
  }
  for (const path of before.bucket.keys()) {
    if (after.bucket.has(path) || isMovedOn(path, before, after, rules)) continue;
    const was = photoAt(before, path);
    const wasAsked = rules.deletes && rules.moves !== 'only' && was.file === undefined && objectIsRecorded(was);
    if (!wasAsked) wrong.push(`object ${path} was deleted, and nobody asked for that`);
  }
  return wrong;
}

/**
 * Did the photo of this object go elsewhere, by a rename of now or of a run that was cut off? Its bytes are at its new
 * place, or, where it was edited too and that may be replaced, its newer ones.
 */
function isMovedOn(path: string, before: SeenSides, after: SeenSides, rules: Rules): boolean {
  const content = before.bucket.get(path)?.content;
  if (!rules.sends || rules.moves === false) return isLeftover(path, before, after, rules);
  const row = before.rows.get(path);
  if (row === undefined || row.etag !== before.bucket.get(path)?.etag) return isLeftover(path, before, after, rules);
  const now = [...after.rows.values()].find(({ id }) => id === row.id);
  const there = now && now.path !== path ? after.bucket.get(now.path) : undefined;
  if (there !== undefined && there.content === content) return true;
  return (
    there !== undefined && rules.overwrite !== 'never' && there.content === after.disk.get(now?.path ?? '')?.content
  );
}

function isLeftover(path: string, before: SeenSides, after: SeenSides, rules: Rules): boolean {
  const photoId = before.leftovers.get(path);
  if (photoId === undefined || !rules.sends) return false;
  const own = [...after.rows.values()].find(({ id }) => id === photoId);
  const there = own && after.bucket.get(own.path);
  return there !== undefined && (there.etag === own?.etag || there.content === before.bucket.get(path)?.content);
}

function short(content: string | undefined): string {
  if (content === undefined) return 'none';
  return content.length <= 24
    ? JSON.stringify(content)
    : `${JSON.stringify(content.slice(0, 16))}… (${md5Of(content)})`;
}
