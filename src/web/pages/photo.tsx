/** A photo on a page of its own. */
import { Heading } from '../ui/parts.tsx';
import { PhotoDetail } from './photo-detail.tsx';

export function PhotoPage({ id }: { id: string }) {
  return (
    <>
      <Heading title="Photo" />
      <PhotoDetail id={id} />
    </>
  );
}
