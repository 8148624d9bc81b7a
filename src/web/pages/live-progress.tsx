/** A run while it goes: how far, how fast, how long still, and a bar for each album. */
import type { RunProgress } from '../api/types.ts';
import { albumName } from '../logic/album-list.ts';
import { formatCount } from '../logic/format.ts';
import { partShare, progressShare, progressWords } from '../logic/run-words.ts';
import { Badge, Problem, Progress } from '../ui/parts.tsx';

/** Bars beyond these are told as a number. */
const MOST_BARS = 40;

const PART_TONES: Readonly<Record<string, string>> = {
  failed: 'bad',
  partial: 'bad',
  refused: 'warn',
  cancelled: 'warn',
  succeeded: 'good',
  running: 'busy',
};

export function LiveProgress({ progress, error }: { progress: RunProgress | null; error: unknown }) {
  if (progress === null) {
    return error === null ? <Progress share={null} label="Progress of the run" /> : <Problem error={error} />;
  }
  const { lastPath, parts } = progress;
  return (
    <section className="live" aria-label="Progress">
      <Progress share={progressShare(progress)} label="Progress of the run" />
      <p className="words">
        {progressWords(progress).map((word) => (
          <span key={word}>{word}</span>
        ))}
      </p>
      <p className="quiet path">
        {progress.cancelled ? 'Stopping: what is in flight is finished.' : (lastPath ?? ' ')}
      </p>
      {parts.length > 0 && (
        <ul className="bars">
          {parts.slice(0, MOST_BARS).map((part) => (
            <li key={`${part.library} ${part.album} ${part.runId}`}>
              <span className="path">
                {part.album === null ? (part.library ?? 'Library') : albumName(part.album).name}
              </span>
              <Progress share={partShare(part)} label={`Progress of ${part.album ?? part.library ?? 'a part'}`} />
              <Badge tone={PART_TONES[part.status] ?? 'quiet'}>{part.status}</Badge>
            </li>
          ))}
        </ul>
      )}
      {parts.length > MOST_BARS && <p className="quiet">and {formatCount(parts.length - MOST_BARS)} more</p>}
      {error !== null && <Problem error={error} />}
    </section>
  );
}
