/**
 * A worker thread that decodes HEIC (heic.ts starts it): libheif as WebAssembly. It turns and mirrors the picture as
 * the container says; the orientation that its EXIF repeats is not to be applied any more.
 */
import { parentPort } from 'node:worker_threads';
import type { HeicAnswer, HeicJob, HeicPixels } from './heic-messages.ts';

/** As little of libheif as is used; its enumerations are objects with a value. */
interface LibHeif {
  readonly heif_colorspace: { readonly heif_colorspace_RGB: unknown };
  readonly heif_chroma: {
    readonly heif_chroma_interleaved_RGB: unknown;
    readonly heif_chroma_interleaved_RGBA: unknown;
  };
  readonly heif_error_code: Readonly<Record<'heif_error_Ok' | 'heif_error_Unsupported_feature', unknown>>;
  heif_context_alloc(): object | null;
  heif_context_free(context: object): void;
  heif_context_read_from_memory(context: object, file: Uint8Array): HeifError;
  heif_js_context_get_primary_image_handle(context: object): object & Partial<HeifError>;
  heif_image_handle_get_width(handle: object): number;
  heif_image_handle_get_height(handle: object): number;
  heif_image_handle_has_alpha_channel(handle: object): number;
  heif_image_handle_release(handle: object): void;
  heif_js_decode_image2(handle: object, space: unknown, chroma: unknown): Partial<Decoded & HeifError>;
  heif_image_release(image: object): void;
}

interface HeifError {
  readonly code: unknown;
  readonly message: string;
}

interface Decoded {
  readonly image: object;
  readonly channels: readonly [{ readonly width: number; readonly height: number; stride: number; data: Uint8Array }];
}

// Not a literal: the package has no types for it.
const LIBRARY: string = 'libheif-js/libheif-wasm/libheif-bundle.mjs';

class HeifFault extends Error {
  readonly code: unknown;

  constructor({ code, message }: Partial<HeifError>) {
    super(message ?? 'unknown error');
    this.code = code;
  }
}

function decode(heif: LibHeif, { file, maxPixels }: HeicJob): HeicPixels {
  const context = heif.heif_context_alloc();
  if (context === null) throw new RangeError('out of memory');
  try {
    const read = heif.heif_context_read_from_memory(context, file);
    if (read.code !== heif.heif_error_code.heif_error_Ok) throw new HeifFault(read);
    const handle = heif.heif_js_context_get_primary_image_handle(context);
    if (handle.code !== undefined) throw new HeifFault(handle);
    try {
      return pixelsOf(heif, handle, maxPixels);
    } finally {
      heif.heif_image_handle_release(handle);
    }
  } finally {
    heif.heif_context_free(context);
  }
}

function pixelsOf(heif: LibHeif, handle: object, maxPixels: number): HeicPixels {
  const pixels = heif.heif_image_handle_get_width(handle) * heif.heif_image_handle_get_height(handle);
  if (!(pixels > 0 && pixels <= maxPixels)) throw new HeifFault({ message: `it has ${pixels} pixels` });
  const alpha = heif.heif_image_handle_has_alpha_channel(handle) === 1;
  const { heif_chroma_interleaved_RGB: rgb, heif_chroma_interleaved_RGBA: rgba } = heif.heif_chroma;
  const decoded = heif.heif_js_decode_image2(handle, heif.heif_colorspace.heif_colorspace_RGB, alpha ? rgba : rgb);
  if (decoded.image === undefined || decoded.channels === undefined) throw new HeifFault(decoded);
  try {
    const [{ width, height, stride, data }] = decoded.channels;
    const channels = alpha ? 4 : 3;
    const row = width * channels;
    const copy = new Uint8Array(row * height);
    for (let y = 0; y < height; y++) copy.set(data.subarray(y * stride, y * stride + row), y * row);
    return { pixels: copy, width, height, channels };
  } finally {
    heif.heif_image_release(decoded.image);
  }
}

function answer(heif: LibHeif, job: HeicJob): HeicAnswer {
  try {
    return decode(heif, job);
  } catch (thrown) {
    const { message } = thrown instanceof Error ? thrown : new Error(String(thrown));
    // The thread ends of it: nothing is said of the file.
    if (!(thrown instanceof HeifFault) && NO_MEMORY.test(message)) throw thrown;
    const code = thrown instanceof HeifFault ? thrown.code : undefined;
    const unsupported = code === heif.heif_error_code.heif_error_Unsupported_feature;
    // Anything but libheif's own word (a trap) may have left it in disorder.
    return { fault: message, unsupported, spent: !(thrown instanceof HeifFault) };
  }
}

const NO_MEMORY = /memory \(|out of memory|OOM|enlarge memory|bad_alloc|allocation/i;

const port = parentPort;
if (port !== null) {
  const library = (await import(LIBRARY)) as { default(options: object): LibHeif };
  const heif = library.default({ print: () => {}, printErr: () => {} });
  port.on('message', (job: HeicJob) => {
    const said = answer(heif, job);
    port.postMessage(said, 'pixels' in said ? [said.pixels.buffer] : []);
  });
}
