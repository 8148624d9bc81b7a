/** What passes between heic.ts and its worker threads. */

export interface HeicJob {
  readonly file: Uint8Array;
  readonly icc: Uint8Array | null;
  /** More are not decoded, whatever the header said. */
  readonly maxPixels: number;
}

export type HeicAnswer =
  /** A TIFF of bare pixels, upright. */
  | { readonly picture: Uint8Array<ArrayBuffer> }
  /** `unsupported`: by a codec that is not built in. */
  | { readonly fault: string; readonly unsupported: boolean };
