/** The cameras of the demo library, none of which can be bought. */

export interface Camera {
  readonly make: string;
  readonly model: string;
  readonly lens: string;
  /** The shortest and the longest focal length in millimetres, and the widest aperture. */
  readonly focal: readonly [number, number];
  readonly aperture: number;
}

export const CAMERAS = {
  halden: { make: 'Halden', model: 'Halden HX-2', lens: 'Halden 24-70mm F2.8', focal: [24, 70], aperture: 2.8 },
  corvo: { make: 'Corvo Optical', model: 'Corvo C5', lens: 'Corvo 35mm F1.8', focal: [35, 35], aperture: 1.8 },
  macro: { make: 'Corvo Optical', model: 'Corvo C5', lens: 'Corvo 90mm F2.8 Macro', focal: [90, 90], aperture: 2.8 },
  phone: {
    make: 'Linden',
    model: 'Linden Fern 8',
    lens: 'Fern 8 main camera 5.1mm f/1.8',
    focal: [5.1, 5.1],
    aperture: 1.8,
  },
} as const satisfies Record<string, Camera>;

export type CameraName = keyof typeof CAMERAS;
