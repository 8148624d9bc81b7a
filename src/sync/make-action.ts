/** Actions as plain data, from the entries of a triple: the facts that must still hold, and nothing more. */
import type {
  AdoptAction,
  DownloadAction,
  ObjectFacts,
  ReportAction,
  ReuploadAction,
  RowFacts,
  StoredFacts,
} from './actions.ts';
import type { BucketObject, CatalogRow, FileFacts, LocalFile, Triple } from './types.ts';

export function adopt(
  triple: Triple,
  local: LocalFile,
  object: BucketObject,
  otherwise: AdoptAction['otherwise'],
): AdoptAction {
  const reason = object.size === local.size ? 'the bucket has one of this size' : 'the bucket has a shorter one';
  return { ...actionBase(triple, local), kind: 'adopt', object: objectFacts(object), otherwise, reason };
}

export function replace(triple: Triple, local: LocalFile, reason: string): ReuploadAction {
  const object = triple.object && { object: objectFacts(triple.object) };
  return { ...actionBase(triple, local), ...object, kind: 'reupload', reason };
}

/** `local`: the version of the file that the object replaces; left out: nothing may be there. */
export function fetch(
  object: BucketObject,
  path: string,
  reason: string,
  row?: CatalogRow,
  local?: LocalFile,
): DownloadAction {
  return {
    kind: 'download',
    key: object.key,
    path,
    reason,
    object: objectFacts(object),
    ...(row && { row: rowFacts(row) }),
    ...(local && { local: fileFacts(local) }),
  };
}

export function conflict(triple: Triple, local: LocalFile, reason: string): ReportAction {
  return report(triple, local, 'conflict', 'CONFLICT', reason);
}

export function collision(triple: Triple, local: LocalFile): ReportAction {
  const names = [local.path, ...(local.twins ?? [])].map((name) => JSON.stringify(name)).join(' and ');
  return report(triple, local, 'conflict', 'NAME_COLLISION', `${names} would be one key in the bucket; rename one`);
}

export function report(
  triple: Triple,
  local: LocalFile,
  what: ReportAction['what'],
  code: ReportAction['code'],
  reason: string,
): ReportAction {
  return { ...actionBase(triple, local), kind: 'report', what, code, reason };
}

export function actionBase({ row }: Triple, local: LocalFile) {
  return { ...keyAndPath(local), local: fileFacts(local), ...(row && { row: rowFacts(row) }) };
}

export function keyAndPath({ key, path }: LocalFile) {
  return { key, path };
}

export function fileFacts({ size, mtimeNs, device, inode, birthNs }: LocalFile): FileFacts {
  return { size, mtimeNs, device, inode, ...(birthNs !== undefined && { birthNs }) };
}

export function rowFacts({ id, size, mtimeNs, md5, etag, partSize, state }: CatalogRow): RowFacts {
  return { id, size, mtimeNs, md5, etag, partSize, state };
}

export function storedFacts({ size, etag, storageClass }: BucketObject): StoredFacts {
  return { size, etag, storageClass };
}

export function objectFacts({ size, etag }: ObjectFacts): ObjectFacts {
  return { size, etag };
}
