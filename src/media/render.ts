/** From a file or its pixels to variants and placeholder. */
import sharp, { type Sharp } from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';
import { type RenderedVariant, VARIANTS, type VariantName } from '../sync/media-port.ts';
import type { Colour } from './colour.ts';
import { asFault } from './faults.ts';
import { turnFor } from './orient.ts';
import { wrapped } from './tiff-wrap.ts';

export interface Rendered {
  readonly thumbhash: string;
  readonly variants: readonly RenderedVariant[];
}

/** 8 bits a channel, row by row. */
export interface Pixels {
  readonly data: Buffer;
  readonly raw: { readonly width: number; readonly height: number; readonly channels: 1 | 2 | 3 | 4 };
}

export interface RenderOptions {
  /** Of the pixels as they come; what the file itself says of it is not looked at. */
  readonly orientation: number | undefined;
  readonly colour: Colour;
  readonly maxPixels: number;
}

/** Half the work of the usual 4, for variants 3 % larger. */
const EFFORT = 2;
const QUALITY = 80;
/** Long side of what a placeholder is made of: it tells no more than seven waves across. */
const PLACEHOLDER = 32;
/** A decoder that is at it for longer is being led astray. */
const LONGEST_SECONDS = 300;

/**
 * Decodes once: the preview's pixels are what thumb and placeholder are made of. Throws a ContentFault where the picture
 * breaks off.
 */
export async function render(input: Buffer | Pixels, options: RenderOptions, signal: AbortSignal): Promise<Rendered> {
  try {
    const scaledDown = await decode(input, options);
    signal.throwIfAborted();
    const large = await upright(await inSrgb(scaledDown, options.colour), options.orientation);
    const preview = await encode('preview', large);
    signal.throwIfAborted();
    const small = await pixelsOf(scaled(from(large), VARIANTS.thumb));
    const thumb = await encode('thumb', small);
    return { thumbhash: await placeholder(small), variants: [thumb, preview] };
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw asFault(thrown);
  }
}

/** The pixels as they are stored, no larger than the preview. */
function decode(input: Buffer | Pixels, { maxPixels, colour }: RenderOptions): Promise<Pixels> {
  if (!Buffer.isBuffer(input)) return pixelsOf(scaled(from(input), VARIANTS.preview));
  // Not `warning`: cameras write files that decoders grumble at and show.
  const reading = {
    failOn: 'error',
    limitInputPixels: maxPixels,
    autoOrient: false,
    ignoreIcc: !colour.byDecoder,
  } as const;
  return pixelsOf(scaled(sharp(input, reading), VARIANTS.preview).timeout({ seconds: LONGEST_SECONDS }));
}

async function inSrgb({ data, raw }: Pixels, { profile }: Colour): Promise<Pixels> {
  const { channels } = raw;
  if (profile === null || channels < 3) return { data, raw };
  return pixelsOf(sharp(wrapped({ data, ...raw, channels: channels === 4 ? 4 : 3 }, profile)));
}

/** Turned when they are few: sharp would have to hold the whole picture to do it before. */
function upright(pixels: Pixels, orientation: number | undefined): Promise<Pixels> | Pixels {
  const turn = turnFor(orientation);
  return turn === null ? pixels : pixelsOf(turn(from(pixels)));
}

function scaled(image: Sharp, longSide: number): Sharp {
  return image.resize(longSide, longSide, { fit: 'inside', withoutEnlargement: true });
}

function from({ data, raw }: Pixels): Sharp {
  return sharp(data, { raw, limitInputPixels: false });
}

async function pixelsOf(image: Sharp): Promise<Pixels> {
  const { data, info } = await image
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { data, raw: { width: info.width, height: info.height, channels: info.channels } };
}

async function encode(name: VariantName, pixels: Pixels): Promise<RenderedVariant> {
  const bytes = await from(pixels).webp({ quality: QUALITY, effort: EFFORT }).toBuffer();
  return { name, bytes, width: pixels.raw.width, height: pixels.raw.height };
}

async function placeholder(pixels: Pixels): Promise<string> {
  const { data, raw } = await pixelsOf(scaled(from(pixels), PLACEHOLDER).ensureAlpha());
  return Buffer.from(rgbaToThumbHash(raw.width, raw.height, data)).toString('base64');
}
