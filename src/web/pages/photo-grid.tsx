/** Thumbnails in rows, of which only those in sight are there: 50,000 photos cost as much as fifty. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, useCallback, useEffect, useRef } from 'react';
import type { Photo } from '../api/types.ts';
import { arrowTarget, columnsFor } from '../logic/grid.ts';
import { hrefOf } from '../logic/routes.ts';
import { isTrouble, STATES } from '../logic/states.ts';
import { useOffsetTop, useWidth } from '../ui/offset.ts';
import { Badge } from '../ui/parts.tsx';
import { Link, usePlace } from '../ui/router.tsx';
import { Thumb } from '../ui/thumb.tsx';

interface GridProps {
  readonly photos: readonly Photo[];
  /** With those that are not there yet. */
  readonly count: number;
  readonly see: (at: number) => void;
  readonly selected: ReadonlySet<string>;
  readonly setSelected: (selected: ReadonlySet<string>) => void;
}

/** Below a picture: its name, with a box to select it. */
const CAPTION = 36;
const GAP = 8;

export function PhotoGrid({ photos, count, see, selected, setSelected }: GridProps) {
  const grid = useRef<HTMLUListElement>(null);
  const width = useWidth(grid);
  const offset = useOffsetTop(grid);
  const { columns, side } = columnsFor(width, GAP);
  const rows = useWindowVirtualizer({
    count: Math.ceil(count / columns),
    estimateSize: () => side + CAPTION + GAP,
    overscan: 3,
    scrollMargin: offset,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another width makes other rows.
  useEffect(() => rows.measure(), [rows, side]);
  const shown = rows.getVirtualItems();
  const last = ((shown.at(-1)?.index ?? 0) + 1) * columns;
  useEffect(() => see(Math.min(last, count)), [see, last, count]);

  const latest = useRef(selected);
  latest.current = selected;
  const toggle = useCallback(
    (name: string) => {
      const next = new Set(latest.current);
      if (!next.delete(name)) next.add(name);
      setSelected(next);
    },
    [setSelected],
  );
  const move = (event: KeyboardEvent<HTMLUListElement>) => {
    const from = Number((event.target as HTMLElement).closest('li')?.dataset['at'] ?? Number.NaN);
    const to = arrowTarget(event.key, from, columns, count);
    if (to === null) return;
    event.preventDefault();
    rows.scrollToIndex(Math.floor(to / columns), { align: 'auto' });
    requestAnimationFrame(() => grid.current?.querySelector<HTMLElement>(`[data-at="${to}"] a`)?.focus());
  };
  return (
    <ul ref={grid} className="grid" style={{ blockSize: rows.getTotalSize() }} onKeyDown={move}>
      {shown.flatMap((row) =>
        Array.from({ length: Math.min(columns, count - row.index * columns) }, (_, column) => {
          const at = row.index * columns + column;
          const photo = photos[at];
          const x = column * (side + GAP);
          const place = {
            inlineSize: side,
            blockSize: side + CAPTION,
            transform: `translate(${x}px, ${row.start - offset}px)`,
          };
          return (
            <li key={at} data-at={at} style={place} aria-setsize={count} aria-posinset={at + 1}>
              {photo && <Cell photo={photo} side={side} selected={selected.has(photo.fileName)} toggle={toggle} />}
            </li>
          );
        }),
      )}
    </ul>
  );
}

interface CellProps {
  readonly photo: Photo;
  readonly side: number;
  readonly selected: boolean;
  readonly toggle: (name: string) => void;
}

const Cell = memo(function Cell({ photo, side, selected, toggle }: CellProps) {
  const { query } = usePlace();
  const { fileName, state, albumId, id } = photo;
  return (
    <div className={selected ? 'cell selected' : 'cell'}>
      <Link href={hrefOf('album', albumId, { ...query, photo: id })} style={{ blockSize: side }}>
        <Thumb photo={photo} />
        <span className="for-readers">
          {fileName}, {STATES[state].label.toLowerCase()}
        </span>
        {state !== 'synced' && (
          <Badge tone={isTrouble(state) ? STATES[state].tone : 'quiet'} title={STATES[state].meaning}>
            {STATES[state].label}
          </Badge>
        )}
      </Link>
      <label title={fileName}>
        <input type="checkbox" checked={selected} onChange={() => toggle(fileName)} />
        <span>{fileName}</span>
      </label>
    </div>
  );
});
