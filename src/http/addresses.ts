/** Addresses at which a browser reads a photo or a smaller picture of it from the bucket itself. */
import { RollcallError } from '../errors.ts';
import type { PhotoView, VariantView } from '../sync/browse.ts';
import type { BucketPort } from '../sync/bucket-port.ts';

/** What signs: a port of its own for each request. */
export type OpenBucket = (bucket: string) => Pick<BucketPort, 'presign'>;

export interface AddressedVariant extends VariantView {
  readonly url: string;
}

export interface AddressedPhoto extends Omit<PhotoView, 'variants'> {
  readonly variants: readonly AddressedVariant[];
}

export interface Address {
  readonly url: string;
  /** RFC 3339: good until then at least. */
  readonly expiresAt: string;
}

/** So that a gallery that stays open for a day goes on showing its pictures. */
const VARIANT_SECONDS = 24 * 3600;
const ORIGINAL_SECONDS = 3600;
/** An address is good for three quarters of its time at least (BucketPort.presign). */
const GOOD_SHARE = 0.75;

/** The photos with the addresses of their variants; nothing is asked of the bucket. */
export async function withAddresses(
  photos: readonly PhotoView[],
  openBucket: OpenBucket,
): Promise<readonly AddressedPhoto[]> {
  const ports = new Map<string, Pick<BucketPort, 'presign'>>();
  const portOf = (bucket: string) => {
    const port = ports.get(bucket) ?? openBucket(bucket);
    ports.set(bucket, port);
    return port;
  };
  const addressed: AddressedPhoto[] = [];
  for (const photo of photos) {
    const variants: AddressedVariant[] = [];
    for (const variant of photo.variants) {
      const url = await portOf(photo.bucket).presign(variant.key, { expiresSeconds: VARIANT_SECONDS });
      variants.push({ ...variant, url });
    }
    addressed.push({ ...photo, variants });
  }
  return addressed;
}

/** States in which there is no object to read. */
const NO_OBJECT = new Set<PhotoView['state']>(['pending', 'missing', 'lost']);

/** The address of a photo's object, or of one of its variants. NOT_FOUND when there is none. */
export async function addressOf(
  photo: PhotoView,
  { variant: name, download }: { readonly variant?: VariantView['name']; readonly download?: boolean },
  openBucket: OpenBucket,
  nowMs: number,
): Promise<Address> {
  const variant = photo.variants.find((one) => one.name === name);
  if (name !== undefined && variant === undefined) {
    const why = photo.media === null ? 'nobody has looked at it yet' : (photo.media.error ?? photo.media.state);
    throw new RollcallError('NOT_FOUND', `${photo.path} has no ${name}: ${why}`, { field: 'variant' });
  }
  if (variant === undefined && (photo.etag === null || NO_OBJECT.has(photo.state))) {
    throw new RollcallError('NOT_FOUND', `${photo.path} is not in the bucket: it is ${photo.state}`);
  }
  const expiresSeconds = variant ? VARIANT_SECONDS : ORIGINAL_SECONDS;
  const options = { expiresSeconds, ...(download && { downloadName: photo.fileName }) };
  const url = await openBucket(photo.bucket).presign(variant?.key ?? photo.key, options);
  return { url, expiresAt: new Date(nowMs + expiresSeconds * 1_000 * GOOD_SHARE).toISOString() };
}
