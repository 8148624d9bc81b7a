/** The command line tool of libvips (Debian: `libvips-tools`), asked for what the program makes of a photo. */
import { VARIANTS } from '../../src/sync/media-port.ts';

/** As in media/render.ts. */
const WEBP = '[Q=80,effort=2]';

/** One size of so many photos, into a folder that is there: arguments after the files. */
export function vipsArguments(folder: string): readonly (readonly string[])[] {
  return Object.entries(VARIANTS).map(([name, side]) => [
    '--size',
    `${side}x${side}>`,
    '-o',
    `${folder}/%s-${name}.webp${WEBP}`,
  ]);
}
