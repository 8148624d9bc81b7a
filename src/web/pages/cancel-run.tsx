/** Asks for the end of a run. */
import { useState } from 'react';
import { session } from '../api/session.ts';
import { tell } from '../logic/problems.ts';
import { useStore } from '../ui/store.ts';
import { toast } from '../ui/toasts.tsx';

interface CancelProps {
  readonly runId: string;
  readonly label: string;
  /** Somebody has asked for it. */
  readonly asked: boolean;
  readonly onAsked: () => void;
}

export function CancelRun({ runId, label, asked, onAsked }: CancelProps) {
  const { client } = useStore(session);
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    try {
      await client.api.runs[':id'].cancel.$post({ param: { id: runId } });
    } catch (thrown) {
      toast({ tone: 'bad', text: `❌ ${tell(thrown).what}` });
      setBusy(false);
    }
    onAsked();
  };
  return (
    <button type="button" className="danger" disabled={busy || asked} onClick={() => void cancel()}>
      {busy || asked ? 'Stopping: what is in flight is finished…' : label}
    </button>
  );
}
