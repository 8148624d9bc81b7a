/** The calls of a multipart upload to the server under contract, each in one line. */
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type ContractS3, md5 } from './contract-s3.ts';

export const NO_SUCH_UPLOAD = { name: 'NoSuchUpload', status: 404 };

/** A part that was sent, as completing names it. */
export interface Done {
  readonly PartNumber: number;
  readonly ETag: string;
}

/** The ETag of a multipart object: the MD5 of its parts' MD5s, and how many they are. */
export const multipartEtag = (parts: readonly Uint8Array[]): string =>
  `"${md5(Buffer.concat(parts.map((part) => createHash('md5').update(part).digest())))}-${parts.length}"`;

export class Uploads {
  readonly #s3: ContractS3;

  constructor(s3: ContractS3) {
    this.#s3 = s3;
  }

  at(Key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#s3.bucket, Key };
  }

  /** Answers the upload id. */
  async begin(Key: string, more: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> {
    const begun = await this.#s3.client.send(new CreateMultipartUploadCommand({ ...this.at(Key), ...more }));
    return begun.UploadId ?? '';
  }

  async part(Key: string, UploadId: string, PartNumber: number, bytes: Uint8Array | string): Promise<Done> {
    const Body = Buffer.from(bytes);
    const sent = await this.#s3.client.send(new UploadPartCommand({ ...this.at(Key), UploadId, PartNumber, Body }));
    return { PartNumber, ETag: sent.ETag ?? '' };
  }

  /** An upload with one small part, ready to complete. */
  async small(Key: string, body = 'small'): Promise<{ id: string; done: Done[] }> {
    const id = await this.begin(Key);
    return { id, done: [await this.part(Key, id, 1, body)] };
  }

  complete(
    Key: string,
    UploadId: string,
    done: readonly Done[],
    more: Partial<CompleteMultipartUploadCommandInput> = {},
  ) {
    const MultipartUpload = { Parts: [...done] };
    return this.#s3.client.send(
      new CompleteMultipartUploadCommand({ ...this.at(Key), UploadId, MultipartUpload, ...more }),
    );
  }

  abort(Key: string, UploadId: string) {
    return this.#s3.client.send(new AbortMultipartUploadCommand({ ...this.at(Key), UploadId }));
  }

  parts(Key: string, UploadId: string) {
    return this.#s3.client.send(new ListPartsCommand({ ...this.at(Key), UploadId }));
  }
}
