/** What passes between heic.ts and its worker threads. */

export interface HeicJob {
  readonly file: Uint8Array;
  /** More are not decoded, whatever the header said. */
  readonly maxPixels: number;
}

/** Upright, 8 bits a channel, row by row; in the colours that the file's profile tells. */
export interface HeicPixels {
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

export type HeicAnswer =
  | HeicPixels
  /** `unsupported`: by a codec that is not built in. `spent`: the thread is not to be given anything more. */
  | { readonly fault: string; readonly unsupported: boolean; readonly spent: boolean };
