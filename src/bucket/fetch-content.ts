/** The bytes of an object on their way in, and the proof that they are what the bucket says it holds. */
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { md5InMetadata } from './compare.ts';
import { ContentHash, candidatePartSizes, isMd5Etag, partCountOf, sameEtag } from './etags.ts';
import { type ToldChecksum, toldChecksum } from './fetch-checksum.ts';
import { isEncrypted } from './head-answer.ts';

/** Proved as far as the server tells anything; or, for people, why it is something else. */
export type Proof = { readonly md5: string; readonly partSize: number | null } | { readonly fault: string };

/** Takes the bytes once, in order, and computes all that they may be held against. */
export class IncomingContent {
  readonly #object: { readonly size: number; readonly etag: string };
  readonly #hash: ContentHash;
  /** The MD5 in the object's metadata. */
  readonly #toldMd5: string | null;
  readonly #checksum: ToldChecksum | null;
  readonly #etagIsMd5: boolean;
  #bytes = 0;

  /** `answer`: the first that was given for the object; `partSize`: of its upload, if it is known. */
  constructor(
    object: { readonly size: number; readonly etag: string },
    partSize: number | null,
    answer: GetObjectCommandOutput,
  ) {
    const parts = partCountOf(object.etag);
    this.#object = object;
    this.#hash = new ContentHash(parts === null ? [] : candidatePartSizes(object.size, parts, partSize));
    this.#toldMd5 = md5InMetadata(answer.Metadata ?? {});
    this.#etagIsMd5 = isMd5Etag(object.etag) && !isEncrypted(answer);
    this.#checksum = this.#etagIsMd5 || this.#toldMd5 !== null ? null : toldChecksum(answer);
  }

  /** How many have come. */
  get bytes(): number {
    return this.#bytes;
  }

  update(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#hash.update(chunk);
    this.#checksum?.update(chunk);
  }

  /** To be called once, at the end. Where nothing tells the content, its size is all the proof there is. */
  prove(): Proof {
    const { size, etag } = this.#object;
    if (this.#bytes !== size) return { fault: `${this.#bytes} bytes came, the bucket lists ${size}` };
    const { md5, etags } = this.#hash.digest();
    if (partCountOf(etag) === null && sameEtag(etag, md5)) return { md5, partSize: null };
    for (const [partSize, computed] of etags) {
      if (sameEtag(etag, computed)) return { md5, partSize };
    }
    const disproof = this.#disproof(md5);
    return disproof === null ? { md5, partSize: null } : { fault: `what came does not have ${disproof}` };
  }

  #disproof(md5: string): string | null {
    const checksum = this.#checksum;
    if (this.#toldMd5 !== null) return this.#toldMd5 === md5 ? null : 'the MD5 that is kept with the object';
    if (checksum !== null) return checksum.digest() === checksum.told ? null : `the ${checksum.name} of the object`;
    return this.#etagIsMd5 ? 'the MD5 that the ETag tells' : null;
  }
}
