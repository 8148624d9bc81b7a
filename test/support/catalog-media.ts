/** Photos as whoever looks at them finds them, for tests of what the catalog remembers of pictures. */
import type { PhotoMetadata } from '../../src/sync/media-port.ts';
import type { ClaimedPhoto, ProcessedPhoto, StoredVariant } from '../../src/sync/media-store.ts';

export const METADATA: PhotoMetadata = {
  width: 4000,
  height: 3000,
  durationMs: null,
  takenAt: { atMs: Date.parse('2024-06-01T12:30:15.250Z'), offsetMinutes: 120, from: 'exif' },
  camera: { make: 'Leica', model: 'Q3' },
  lens: 'Summilux 28',
  exposureSeconds: 0.004,
  fNumber: 1.7,
  iso: 100,
  focalLengthMm: 28,
  focalLength35mm: 28,
  gps: { latitude: 47.37, longitude: 8.54, altitude: 408 },
  rating: 4,
  title: 'Zürich',
  description: null,
  keywords: ['lake', 'summer'],
};

/** `thumb` and `preview`, of this version. */
export function variantsOf(photo: Pick<ClaimedPhoto, 'id'>, version = '1'): StoredVariant[] {
  return [
    {
      name: 'thumb',
      key: `variants/${photo.id}/thumb-${version}`,
      width: 320,
      height: 240,
      size: 9_000,
      etag: version,
    },
    {
      name: 'preview',
      key: `variants/${photo.id}/preview-${version}`,
      width: 1600,
      height: 1200,
      size: 2 ** 33,
      etag: version,
    },
  ];
}

/** It was looked at, and all is well. */
export function processed(photo: ClaimedPhoto, facts: Partial<ProcessedPhoto> = {}): ProcessedPhoto {
  return {
    photo,
    state: 'ready',
    error: null,
    metadata: METADATA,
    thumbhash: 'YJqGPQw7sFlslqhFafSE+Q6oJ1h2iHB2Rw==',
    variants: variantsOf(photo),
    ...facts,
  };
}
