/** What is in the demo library: albums, their pictures, when and where they were "taken". */

import type { CameraName } from './cameras.ts';
import type { Scene } from './canvas.ts';
import { balloons } from './scenes/balloons.ts';
import { bokeh, skyline } from './scenes/city.ts';
import { lighthouse, sea } from './scenes/coast.ts';
import { flowers } from './scenes/garden.ts';
import { lake, ranges } from './scenes/mountains.ts';
import { northernLights, starryNight } from './scenes/night.ts';
import { dunes, lavender } from './scenes/plains.ts';
import { autumnWood, winter } from './scenes/woods.ts';

type Draw = (scene: Scene) => void;

export interface Picture {
  /** File name without its extension. */
  readonly name: string;
  /** The camera's clock: local time, without a zone. */
  readonly taken: string;
  readonly draw: Draw;
  readonly camera: CameraName;
  readonly portrait: boolean;
}

export interface DemoAlbum {
  readonly path: string;
  /** Hours ahead of UTC, like `+02:00`. */
  readonly offset: string;
  /** Degrees north and east, metres above the sea: the pictures are scattered around it. */
  readonly place: readonly [latitude: number, longitude: number, altitude: number];
  readonly pictures: readonly Picture[];
}

function wide(camera: CameraName, name: string, taken: string, draw: Draw): Picture {
  return { name, taken, draw, camera, portrait: false };
}

function tall(camera: CameraName, name: string, taken: string, draw: Draw): Picture {
  return { name, taken, draw, camera, portrait: true };
}

export const ALBUMS: readonly DemoAlbum[] = [
  {
    path: '2022/Lofoten in winter',
    offset: '+01:00',
    place: [68.2342, 14.5636, 12],
    pictures: [
      wide('halden', 'HAL_0412', '2022-02-11T09:48:21', (scene) => winter(scene, 'clear')),
      wide('halden', 'HAL_0419', '2022-02-11T14:55:02', (scene) => lake(scene, 'dawn')),
      wide('halden', 'HAL_0447', '2022-02-11T22:31:40', northernLights),
      tall('halden', 'HAL_0451', '2022-02-11T22:52:13', northernLights),
      wide('phone', '20220212_101502', '2022-02-12T10:15:02', (scene) => winter(scene, 'grey')),
      wide('halden', 'HAL_0480', '2022-02-12T11:04:57', (scene) => sea(scene, 'storm')),
      wide('halden', 'HAL_0502', '2022-02-13T00:12:09', northernLights),
    ],
  },
  {
    path: '2023/Atlantic coast',
    offset: '+01:00',
    place: [38.6913, -9.4215, 21],
    pictures: [
      wide('corvo', 'CRV03117', '2023-06-18T12:40:33', (scene) => sea(scene, 'noon')),
      wide('corvo', 'CRV03122', '2023-06-18T13:05:10', (scene) => lighthouse(scene, 'noon')),
      wide('corvo', 'CRV03160', '2023-06-18T20:21:46', (scene) => lighthouse(scene, 'gold')),
      wide('corvo', 'CRV03171', '2023-06-18T20:58:05', (scene) => sea(scene, 'gold')),
      wide('phone', '20230619_211503', '2023-06-19T21:15:03', (scene) => sea(scene, 'rose')),
      tall('phone', '20230619_212240', '2023-06-19T21:22:40', (scene) => lighthouse(scene, 'rose')),
      wide('corvo', 'CRV03204', '2023-06-20T00:47:51', (scene) => sea(scene, 'moon')),
      tall('corvo', 'CRV03209', '2023-06-20T01:03:29', (scene) => lighthouse(scene, 'moon')),
    ],
  },
  {
    path: '2023/Autumn woods',
    offset: '+02:00',
    place: [51.8023, 10.6154, 540],
    pictures: [
      wide('halden', 'HAL_1203', '2023-10-21T09:12:44', autumnWood),
      tall('halden', 'HAL_1208', '2023-10-21T09:31:05', autumnWood),
      wide('halden', 'HAL_1231', '2023-10-21T11:47:18', (scene) => ranges(scene, 'mist')),
      wide('phone', '20231022_152011', '2023-10-22T15:20:11', autumnWood),
      wide('halden', 'HAL_1277', '2023-10-22T18:02:36', (scene) => lake(scene, 'evening')),
    ],
  },
  {
    path: '2024/Alps/Hut to hut',
    offset: '+02:00',
    place: [46.5763, 10.8422, 2_180],
    pictures: [
      wide('halden', 'HAL_2011', '2024-07-06T05:41:08', (scene) => ranges(scene, 'dawn')),
      wide('halden', 'HAL_2020', '2024-07-06T10:26:55', (scene) => lake(scene, 'day')),
      wide('phone', '20240706_113240', '2024-07-06T11:32:40', (scene) => ranges(scene, 'day')),
      tall('halden', 'HAL_2043', '2024-07-07T07:18:23', (scene) => lake(scene, 'mist')),
      wide('halden', 'HAL_2077', '2024-07-07T20:54:12', (scene) => ranges(scene, 'evening')),
      tall('halden', 'HAL_2090', '2024-07-07T23:40:00', starryNight),
      wide('halden', 'HAL_2092', '2024-07-08T00:15:31', starryNight),
    ],
  },
  {
    path: '2024/Morocco, three days',
    offset: '+01:00',
    place: [31.0892, -4.0047, 720],
    pictures: [
      wide('corvo', 'CRV05502', '2024-03-14T17:51:26', dunes),
      wide('corvo', 'CRV05518', '2024-03-15T07:22:09', dunes),
    ],
  },
  {
    path: '2025/City lights',
    offset: '+01:00',
    place: [50.1069, 8.6831, 98],
    pictures: [
      wide('corvo', 'CRV07040', '2025-01-17T17:08:52', (scene) => skyline(scene, 'dusk')),
      wide('corvo', 'CRV07051', '2025-01-17T17:41:30', (scene) => skyline(scene, 'blue')),
      wide('corvo', 'CRV07066', '2025-01-17T21:15:14', (scene) => skyline(scene, 'night')),
      wide('corvo', 'CRV07070', '2025-01-17T21:30:02', (s) =>
        bokeh(s, ['#0a0f1e', '#f2a33c', '#e2574c', '#5aa0f2', '#f4d58d']),
      ),
      tall('phone', '20250118_190544', '2025-01-18T19:05:44', (s) =>
        bokeh(s, ['#140a1e', '#f25ca2', '#7a6cf0', '#4dd0e1', '#ffd28a']),
      ),
    ],
  },
  {
    path: '2025/Provence',
    offset: '+02:00',
    place: [43.8378, 5.9787, 590],
    pictures: [
      wide('halden', 'HAL_3104', '2025-07-02T07:02:15', balloons),
      wide('halden', 'HAL_3111', '2025-07-02T07:26:40', balloons),
      wide('phone', '20250702_103318', '2025-07-02T10:33:18', (scene) => lavender(scene, 'day')),
      wide('halden', 'HAL_3150', '2025-07-02T20:49:57', (scene) => lavender(scene, 'evening')),
      wide('macro', 'CRV08001', '2025-07-03T11:12:08', (scene) => flowers(scene, 'sunflower')),
    ],
  },
  {
    path: 'Garden',
    offset: '+02:00',
    place: [52.3989, 13.0657, 35],
    pictures: [
      wide('macro', 'First poppy', '2024-05-26T10:05:12', (scene) => flowers(scene, 'poppy')),
      wide('macro', 'CRV06120', '2024-06-09T09:40:41', (scene) => flowers(scene, 'daisy')),
      tall('macro', 'CRV06133', '2024-07-21T08:55:03', (scene) => flowers(scene, 'cosmos')),
      tall('macro', 'CRV06188', '2024-08-30T17:20:36', (scene) => flowers(scene, 'dahlia')),
      wide('macro', 'Asters, late', '2025-09-14T16:08:27', (scene) => flowers(scene, 'aster')),
    ],
  },
];

/** Every picture with its album, in a fixed order: its place in it is its seed. */
export const PICTURES: readonly { readonly album: DemoAlbum; readonly picture: Picture }[] = ALBUMS.flatMap((album) =>
  album.pictures.map((picture) => ({ album, picture })),
);

/** Files that are no pictures, as real albums have them. */
export const OTHER_FILES: readonly { readonly path: string; readonly written: string; readonly text: string }[] = [
  {
    path: '2023/Atlantic coast/notes.txt',
    written: '2023-06-21T08:30:00Z',
    text: 'Cascais to Cabo da Roca, 18 to 20 June.\nBest light: after eight. Bring the tripod next time.\n',
  },
  {
    path: 'Garden/First poppy.xmp',
    written: '2024-05-26T19:12:00Z',
    text: `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmp:Rating="5">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">The first poppy of the year</rdf:li></rdf:Alt></dc:title>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
`,
  },
];
