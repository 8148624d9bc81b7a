/** A file's content type and kind, by its name's extension (IANA media types; RAW formats by their common names). */
import mime from 'mime';
import type { PhotoKind } from './types.ts';

const SIDECARS = new Set(['xmp', 'aae', 'thm', 'pp3', 'dop', 'on1']);

/** Camera RAW and newer formats that the media type tables lack or file under something else. */
const IMAGES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '3fr': 'image/x-hasselblad-3fr',
    arw: 'image/x-sony-arw',
    cr2: 'image/x-canon-cr2',
    cr3: 'image/x-canon-cr3',
    crw: 'image/x-canon-crw',
    dng: 'image/x-adobe-dng',
    heic: 'image/heic',
    heif: 'image/heif',
    jxl: 'image/jxl',
    nef: 'image/x-nikon-nef',
    nrw: 'image/x-nikon-nrw',
    orf: 'image/x-olympus-orf',
    pef: 'image/x-pentax-pef',
    raf: 'image/x-fuji-raf',
    rw2: 'image/x-panasonic-rw2',
    srw: 'image/x-samsung-srw',
  }),
);

export function contentTypeOf(path: string): { readonly contentType: string; readonly kind: PhotoKind } {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
  const contentType = IMAGES.get(extension) ?? (extension && mime.getType(extension)) ?? '';
  return { contentType: contentType || 'application/octet-stream', kind: kindOf(extension, contentType || '') };
}

function kindOf(extension: string, contentType: string): PhotoKind {
  if (SIDECARS.has(extension)) return 'sidecar';
  const family = contentType.slice(0, contentType.indexOf('/'));
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'other';
}
