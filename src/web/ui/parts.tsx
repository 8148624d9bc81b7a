/** Small pieces that every view is made of. */
import { type ReactNode, useEffect, useState } from 'react';
import type { Query } from '../api/query.ts';
import type { PhotoState } from '../api/types.ts';
import { formatAge, formatTime } from '../logic/format.ts';
import { tell } from '../logic/problems.ts';
import { STATES } from '../logic/states.ts';

export function Badge({ tone, children, title }: { tone: string; children: ReactNode; title?: string }) {
  return (
    <span className={`badge tone-${tone}`} title={title}>
      {children}
    </span>
  );
}

export function StateBadge({ state }: { state: PhotoState }) {
  const { label, tone, meaning } = STATES[state];
  return (
    <Badge tone={tone} title={meaning}>
      {label}
    </Badge>
  );
}

/** An error with what to do about it. */
export function Problem({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const { what, advice, code, instance } = tell(error);
  return (
    <div className="problem" role="alert">
      <p>
        <strong>{what}</strong> {advice}
      </p>
      <p className="quiet">
        {code !== null && <code>{code}</code>} {instance !== null && <code>{instance}</code>}
      </p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface AnsweredProps<Data> {
  readonly query: Query<Data>;
  /** Takes the room that the answer will take. */
  readonly waiting?: ReactNode;
  readonly children: (data: Data) => ReactNode;
}

/** What was answered; an error above it, when it could not be asked for again. */
export function Answered<Data>({ query, waiting, children }: AnsweredProps<Data>) {
  const { data, error, reload } = query;
  return (
    <>
      {error !== null && <Problem error={error} onRetry={reload} />}
      {data !== undefined ? children(data) : error === null && (waiting ?? <Waiting />)}
    </>
  );
}

export function Waiting({ rows = 4 }: { rows?: number }) {
  return (
    <div className="waiting" role="status">
      <span className="for-readers">Loading…</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike.
        <div key={row} aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>;
}

/** A time as its age, exact on pointing. Goes on by itself. */
export function Ago({ time }: { time: string }) {
  const now = useNow(15_000);
  return (
    <time dateTime={time} title={formatTime(time)}>
      {formatAge(time, now)}
    </time>
  );
}

export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** The title of the view, of the tab too, and what can be done here. */
export function Heading({ title, children, lead }: { title: string; children?: ReactNode; lead?: ReactNode }) {
  useEffect(() => {
    document.title = title === 'Overview' ? 'Rollcall' : `${title} · Rollcall`;
  }, [title]);
  return (
    <div className="heading">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
      </div>
      {children && <div className="actions">{children}</div>}
    </div>
  );
}

export function Progress({ share, label }: { share: number | null; label: string }) {
  return share === null ? <progress aria-label={label} /> : <progress aria-label={label} max={1} value={share} />;
}
