/** A photo's small picture; its ThumbHash until that is there, or its kind where there is none. */
import { memo, useEffect, useRef, useState } from 'react';
import { thumbHashToRGBA } from 'thumbhash';
import type { Photo } from '../api/types.ts';

type Pictured = Pick<Photo, 'fileName' | 'kind' | 'thumbhash' | 'variants' | 'width' | 'height'>;

export const Thumb = memo(function Thumb({
  photo,
  variant = 'thumb',
}: {
  photo: Pictured;
  variant?: 'thumb' | 'preview';
}) {
  const picture = photo.variants.find(({ name }) => name === variant) ?? photo.variants[0];
  const [stage, setStage] = useState<'coming' | 'there' | 'broken'>('coming');
  return (
    <span className={`thumb ${stage}`}>
      {photo.thumbhash !== null && stage !== 'there' && <Placeholder hash={photo.thumbhash} />}
      {picture && stage !== 'broken' ? (
        <img
          src={picture.url}
          width={picture.width}
          height={picture.height}
          alt={variant === 'preview' ? photo.fileName : ''}
          decoding="async"
          loading="lazy"
          onLoad={() => setStage('there')}
          onError={() => setStage('broken')}
        />
      ) : (
        photo.thumbhash === null && (
          <span className="kind" aria-hidden="true">
            {photo.kind}
          </span>
        )
      )}
    </span>
  );
});

/** Drawn, not addressed: the page's policy allows no data: addresses. */
function Placeholder({ hash }: { hash: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current;
    const image = decode(hash);
    if (canvas === null || image === null) return;
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d')?.putImageData(image, 0, 0);
  }, [hash]);
  return <canvas ref={ref} />;
}

function decode(hash: string): ImageData | null {
  try {
    const { w, h, rgba } = thumbHashToRGBA(Uint8Array.from(atob(hash), (char) => char.charCodeAt(0)));
    return new ImageData(new Uint8ClampedArray(rgba), w, h);
  } catch {
    return null;
  }
}
