/** Short messages of what was begun, done or failed. Failures stay until they are put away. */
import { createSyncStore, useStore } from './store.ts';

export interface Toast {
  readonly id: number;
  readonly tone: 'info' | 'good' | 'bad';
  readonly text: string;
}

const GOES_MS = { info: 5_000, good: 8_000 } as const;
const MOST = 5;

const toasts = createSyncStore<readonly Toast[]>([]);
let last = 0;

export function toast({ tone, text }: Omit<Toast, 'id'>): void {
  last += 1;
  const id = last;
  toasts.set([...toasts.get(), { id, tone, text }].slice(-MOST));
  if (tone !== 'bad') setTimeout(() => dismiss(id), GOES_MS[tone]);
}

function dismiss(id: number): void {
  toasts.set(toasts.get().filter((one) => one.id !== id));
}

/** Both regions are always there: a screen reader only tells of what comes into one it knows. */
export function Toasts() {
  const all = useStore(toasts);
  const list = (only: (one: Toast) => boolean) =>
    all.filter(only).map((one) => (
      <div key={one.id} className={`toast tone-${one.tone}`}>
        <span>{one.text}</span>
        <button type="button" className="plain" aria-label="Dismiss" onClick={() => dismiss(one.id)}>
          ×
        </button>
      </div>
    ));
  return (
    <div className="toasts">
      <div role="status" aria-live="polite">
        {list(({ tone }) => tone !== 'bad')}
      </div>
      <div role="alert">{list(({ tone }) => tone === 'bad')}</div>
    </div>
  );
}
