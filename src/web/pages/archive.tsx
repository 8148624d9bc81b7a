/** Objects in archive storage that a move or a download waits for: asking for them, and how far they are. */
import { type FormEvent, useState } from 'react';
import { usePaged } from '../api/paged.ts';
import { session } from '../api/session.ts';
import type { Archived } from '../api/types.ts';
import { formatCounted, formatTime } from '../logic/format.ts';
import { tell } from '../logic/problems.ts';
import { hrefOf } from '../logic/routes.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Ago, Badge, Empty, Heading, Problem, Waiting } from '../ui/parts.tsx';
import { Link } from '../ui/router.tsx';
import { useStore } from '../ui/store.ts';
import { toast } from '../ui/toasts.tsx';

const STATUS: Readonly<Record<Archived['status'], { readonly label: string; readonly tone: string }>> = {
  waiting: { label: 'To be asked for', tone: 'warn' },
  'in progress': { label: 'Being restored', tone: 'busy' },
  restored: { label: 'Can be read', tone: 'good' },
  failed: { label: 'Failed', tone: 'bad' },
};

export function ArchivePage() {
  const { client } = useStore(session);
  const [looking, setLooking] = useState(false);
  const [asking, setAsking] = useState(false);
  const archived = usePaged<Archived>('archive', async (api, page, signal) => {
    const { archived: items, nextCursor } = await (
      await api.api.archive.$get({ query: page }, { init: { signal } })
    ).json();
    return { items, nextCursor };
  });
  const { list, error, retry, reload, see } = archived;
  const look = async () => {
    setLooking(true);
    try {
      await client.api.archive.$get({ query: { look: 'true', limit: 1 } });
    } catch (thrown) {
      toast({ tone: 'bad', text: `❌ ${tell(thrown).what}` });
    }
    setLooking(false);
    reload();
  };
  const waiting = list.items.filter(({ status }) => status === 'waiting' || status === 'failed').length;
  return (
    <>
      <Heading
        title="Archive"
        lead="Objects in GLACIER or DEEP_ARCHIVE have to be restored before they can be moved or downloaded."
      >
        <button
          type="button"
          disabled={looking || list.items.length === 0}
          aria-busy={looking}
          onClick={() => void look()}
        >
          {looking ? '🔍 Asking the bucket…' : 'Ask how far they are'}
        </button>
        <button type="button" className="primary" disabled={waiting === 0} onClick={() => setAsking(true)}>
          Restore…
        </button>
      </Heading>
      {error !== null && <Problem error={error} onRetry={retry} />}
      {!list.started && error === null && <Waiting />}
      {list.started && list.items.length === 0 && <Empty>Nothing waits for an archived object.</Empty>}
      {list.items.length > 0 && <Table items={list.items} />}
      {list.cursor !== null && (
        <button type="button" onClick={() => see(list.items.length)}>
          Show more
        </button>
      )}
      {asking && (
        <Restore
          count={waiting}
          onClose={() => setAsking(false)}
          onDone={() => {
            setAsking(false);
            reload();
          }}
        />
      )}
    </>
  );
}

function Table({ items }: { items: readonly Archived[] }) {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Object</th>
            <th scope="col">Status</th>
            <th scope="col">Waits for it</th>
            <th scope="col">Since</th>
            <th scope="col">Class</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id}>
              <td className="path">
                {item.photoId === null ? item.key : <Link href={hrefOf('photo', item.photoId)}>{item.key}</Link>}
              </td>
              <td>
                <Badge tone={STATUS[item.status].tone}>{STATUS[item.status].label}</Badge>{' '}
                {item.restoredUntil && `until ${formatTime(item.restoredUntil)}`}
                {item.lastError && <span className="wrong"> {item.lastError}</span>}
              </td>
              <td>a {item.what}</td>
              <td>
                <Ago time={item.requestedAt ?? item.createdAt} />
              </td>
              <td>{item.storageClass}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const TIERS = {
  Bulk: 'Bulk: the cheapest, hours to days',
  Standard: 'Standard: hours',
  Expedited: 'Expedited: minutes, dear; not for DEEP_ARCHIVE',
} as const;

function Restore({ count, onClose, onDone }: { count: number; onClose: () => void; onDone: () => void }) {
  const { client } = useStore(session);
  const [days, setDays] = useState(7);
  const [tier, setTier] = useState<keyof typeof TIERS>('Standard');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const { archived } = await (await client.api.archive.restore.$post({ json: { days, tier } })).json();
      const failed = archived.filter(({ status }) => status === 'failed').length;
      if (failed > 0) toast({ tone: 'bad', text: `❌ ${formatCounted(failed, 'object')} could not be asked for` });
      else toast({ tone: 'good', text: `✅ Asked for ${formatCounted(count, 'object')}` });
      onDone();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Restore ${formatCounted(count, 'object')}?`} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <p>Restoring costs money, by the object and by the gigabyte. Those asked for before are not asked for again.</p>
        <label>
          Readable for days
          <input
            type="number"
            min={1}
            max={365}
            required
            value={days}
            onChange={(event) => setDays(event.target.valueAsNumber)}
          />
        </label>
        <label>
          How fast
          <select value={tier} onChange={(event) => setTier(event.target.value as keyof typeof TIERS)}>
            {Object.entries(TIERS).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        {error !== null && <Problem error={error} />}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={busy}>
            {busy ? 'Asking…' : 'Restore'}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
