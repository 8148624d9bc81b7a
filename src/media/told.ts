/** What one source (an EXIF block, an XMP packet, a container …) tells of a picture, and how several become one. */
import type { PhotoMetadata } from '../sync/media-port.ts';

/** A moment, as it is written down: see TakenAt. */
export interface Moment {
  readonly atMs: number;
  readonly offsetMinutes: number | null;
}

/** What is left out is not told. Every text and number in it is bounded and fit for the catalog. */
export interface Told {
  /** 1 to 8, as in EXIF. */
  readonly orientation?: number | undefined;
  readonly takenAt?: Moment | undefined;
  /** The time of the satellites, which is not always the time of the picture. */
  readonly gpsTime?: Moment | undefined;
  readonly make?: string | undefined;
  readonly model?: string | undefined;
  readonly lens?: string | undefined;
  readonly exposureSeconds?: number | undefined;
  readonly fNumber?: number | undefined;
  readonly iso?: number | undefined;
  readonly focalLengthMm?: number | undefined;
  readonly focalLength35mm?: number | undefined;
  readonly gps?: NonNullable<PhotoMetadata['gps']> | undefined;
  readonly rating?: number | undefined;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly keywords?: readonly string[] | undefined;
}

/** All that was found about a picture. */
export interface Sources {
  readonly sidecar: Told | null;
  readonly exif: Told | null;
  readonly xmp: Told | null;
  readonly iptc: Told | null;
  readonly container: Told | null;
}

export const NOTHING_TOLD: Sources = { sidecar: null, exif: null, xmp: null, iptc: null, container: null };

/** Pixels as they are to be looked at, and milliseconds. */
export interface Extent {
  readonly width: number | null;
  readonly height: number | null;
  readonly durationMs: number | null;
}

/** 24 days: what fits into the numbers of most. */
export const LONGEST_MS = 2 ** 31 - 1;

export const NO_EXTENT: Extent = { width: null, height: null, durationMs: null };

/**
 * The sidecar's words win. Of what the camera knows, then EXIF's; of what people say, XMP's: cameras put their own names
 * into the fields that EXIF has for it.
 */
export function metadataOf(sources: Sources, extent: Extent, mtimeNs: bigint): PhotoMetadata {
  const { sidecar, exif, xmp, iptc, container } = sources;
  const first = firstOf([sidecar, exif, xmp, iptc, container]);
  const said = firstOf([sidecar, xmp, iptc, exif, container]);
  const [make, model] = [first('make'), first('model')];
  return {
    ...extent,
    takenAt: takenAt(sources, mtimeNs),
    camera: make === null && model === null ? null : { make, model },
    lens: first('lens'),
    exposureSeconds: first('exposureSeconds'),
    fNumber: first('fNumber'),
    iso: first('iso'),
    focalLengthMm: first('focalLengthMm'),
    focalLength35mm: first('focalLength35mm'),
    gps: first('gps'),
    rating: said('rating'),
    title: said('title'),
    description: said('description'),
    keywords: said('keywords') ?? [],
  };
}

function firstOf(inOrder: readonly (Told | null)[]) {
  return <Field extends keyof Told>(field: Field): NonNullable<Told[Field]> | null =>
    inOrder.map((told) => told?.[field]).find((value) => value !== undefined) ?? null;
}

function takenAt({ sidecar, exif, xmp, iptc, container }: Sources, mtimeNs: bigint): PhotoMetadata['takenAt'] {
  if (sidecar?.takenAt !== undefined) return { ...sidecar.takenAt, from: 'xmp' };
  if (exif?.takenAt !== undefined) return { ...exif.takenAt, from: 'exif' };
  if (xmp?.takenAt !== undefined) return { ...xmp.takenAt, from: 'xmp' };
  // XMP took IPTC's fields over under its own names.
  if (iptc?.takenAt !== undefined) return { ...iptc.takenAt, from: 'xmp' };
  if (exif?.gpsTime !== undefined) return { ...exif.gpsTime, from: 'exif' };
  const gps = sidecar?.gpsTime ?? xmp?.gpsTime;
  if (gps !== undefined) return { ...gps, from: 'xmp' };
  if (container?.takenAt !== undefined) return { ...container.takenAt, from: 'container' };
  return { atMs: fileTimeMs(mtimeNs), offsetMinutes: 0, from: 'file' };
}

const LAST_MS = Date.UTC(9999, 11, 31);

/** File systems can hold times that neither dates of JavaScript nor people know. */
function fileTimeMs(mtimeNs: bigint): number {
  return Math.min(LAST_MS, Math.max(-LAST_MS, Number(mtimeNs / 1_000_000n)));
}
