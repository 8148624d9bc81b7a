/** A photo: its picture, why it is in its state, its three sides next to each other, what it tells of itself. */
import { type ReactNode, useState } from 'react';
import { forgetAnswers, useQuery } from '../api/query.ts';
import { session } from '../api/session.ts';
import type { Photo, Sides } from '../api/types.ts';
import { formatBytes, formatExposure, formatTaken, formatTime } from '../logic/format.ts';
import { tell } from '../logic/problems.ts';
import { reuploadWords } from '../logic/reupload.ts';
import { hrefOf } from '../logic/routes.ts';
import { reasons, STATES } from '../logic/states.ts';
import { Answered, Badge, StateBadge } from '../ui/parts.tsx';
import { Link } from '../ui/router.tsx';
import { useStore } from '../ui/store.ts';
import { Thumb } from '../ui/thumb.tsx';
import { toast } from '../ui/toasts.tsx';

export function PhotoDetail({ id, onChanged }: { id: string; onChanged?: () => void }) {
  const photo = useQuery(`photo ${id}`, async (client, signal) =>
    (await client.api.photos[':id'].$get({ param: { id } }, { init: { signal } })).json(),
  );
  const sides = useQuery(`sides ${id}`, async (client, signal) =>
    (await client.api.photos[':id'].sides.$get({ param: { id } }, { init: { signal } })).json(),
  );
  const changed = () => {
    forgetAnswers();
    photo.reload();
    sides.reload();
    onChanged?.();
  };
  return (
    <Answered query={photo}>
      {(data) => (
        <div className="photo">
          <div className={data.variants.length === 0 ? 'picture none' : 'picture'}>
            <Thumb photo={data} variant="preview" />
          </div>
          <div>
            <p>
              <StateBadge state={data.state} /> <Link href={hrefOf('album', data.albumId)}>{data.path}</Link>
            </p>
            <ul className={`reasons tone-${STATES[data.state].tone}`}>
              {reasons(data).map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
            <PhotoActions photo={data} sides={sides.data} onChanged={changed} />
          </div>
          <Answered query={sides}>{(both) => <ThreeSides photo={data} sides={both} />}</Answered>
          <Metadata photo={data} />
        </div>
      )}
    </Answered>
  );
}

/** States in which an upload may put things right. */
const REUPLOADED = new Set<Photo['state']>(['missing', 'failed', 'lost']);

interface ActionsProps {
  readonly photo: Photo;
  readonly sides: Sides | undefined;
  readonly onChanged: () => void;
}

function PhotoActions({ photo, sides, onChanged }: ActionsProps) {
  const { client } = useStore(session);
  const [busy, setBusy] = useState(false);
  const reupload = async () => {
    setBusy(true);
    try {
      const answer = await client.api.photos[':id'].reupload.$post({ param: { id: photo.id } });
      for (const words of reuploadWords(await answer.json())) toast(words);
    } catch (thrown) {
      toast({ tone: 'bad', text: `❌ Failed to re-upload ${photo.fileName}: ${tell(thrown).what}` });
    }
    setBusy(false);
    onChanged();
  };
  const open = async (download: boolean) => {
    try {
      const query = download ? ({ download: 'true' } as const) : {};
      const { url } = await (await client.api.photos[':id'].url.$get({ param: { id: photo.id }, query })).json();
      window.open(url, '_blank', 'noopener');
    } catch (thrown) {
      toast({ tone: 'bad', text: `❌ ${tell(thrown).what}` });
    }
  };
  // What was seen just now counts, whatever is on record.
  const isGone = sides?.bucket.state === 'gone';
  return (
    <div className="actions">
      {(REUPLOADED.has(photo.state) || photo.damage !== null || isGone) && (
        <button type="button" className="primary" disabled={busy} aria-busy={busy} onClick={() => void reupload()}>
          {busy ? '⏳ Uploading…' : 'Re-upload'}
        </button>
      )}
      {!isGone && (
        <>
          <button type="button" onClick={() => void open(false)}>
            Open the object
          </button>
          <button type="button" onClick={() => void open(true)}>
            Download it
          </button>
        </>
      )}
    </div>
  );
}

function ThreeSides({ photo, sides: { disk, bucket } }: { photo: Photo; sides: Sides }) {
  return (
    <div className="sides">
      <Side title="On disk" badge={<SideBadge side={disk} />}>
        {disk.state === 'there' && (
          <Facts
            facts={[
              ['Path', photo.path],
              ['Size', <Against key="size" value={formatBytes(disk.size)} same={disk.size === photo.size} />],
              [
                'Changed',
                <Against key="time" value={formatTime(disk.modifiedAt)} same={disk.modifiedAt === photo.modifiedAt} />,
              ],
            ]}
          />
        )}
        {disk.state === 'unreadable' && <p className="wrong">{disk.message}</p>}
      </Side>
      <Side title="On record" badge={<StateBadge state={photo.state} />}>
        <Facts
          facts={[
            ['Size', formatBytes(photo.size)],
            ['Changed', formatTime(photo.modifiedAt)],
            ['MD5', photo.md5],
            ['ETag', photo.etag],
            ['Agreed', photo.verifiedAt && formatTime(photo.verifiedAt)],
            ['Bytes checked', photo.checkedAt && formatTime(photo.checkedAt)],
          ]}
        />
      </Side>
      <Side title="In the bucket" badge={<SideBadge side={bucket} />}>
        {bucket.state === 'there' && (
          <Facts
            facts={[
              ['Key', `${photo.bucket}/${photo.key}`],
              ['Size', <Against key="size" value={formatBytes(bucket.size)} same={bucket.size === photo.size} />],
              ['Written', formatTime(bucket.modifiedAt)],
              ['ETag', <Against key="etag" value={bucket.etag} same={bucket.etag === photo.etag} />],
              ['Class', bucket.storageClass],
            ]}
          />
        )}
        {bucket.state === 'unreadable' && <p className="wrong">{bucket.message}</p>}
      </Side>
    </div>
  );
}

function Side({ title, badge, children }: { title: string; badge: ReactNode; children: ReactNode }) {
  return (
    <section>
      <h3>
        {title} {badge}
      </h3>
      {children}
    </section>
  );
}

function SideBadge({ side }: { side: { readonly state: 'there' | 'gone' | 'unreadable' } }) {
  if (side.state === 'there') return <Badge tone="good">There</Badge>;
  if (side.state === 'gone') return <Badge tone="bad">Gone</Badge>;
  return (
    <Badge tone="warn" title="This is not the same as gone">
      Cannot be read
    </Badge>
  );
}

/** A fact of one side, held against the record. */
function Against({ value, same }: { value: string; same: boolean }) {
  return same ? value : <span className="differs">{value} (differs)</span>;
}

function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== '' && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function Metadata({ photo }: { photo: Photo }) {
  const { metadata: told, width, height, takenAt, takenOffset } = photo;
  const camera = [told?.camera?.make, told?.camera?.model].filter(Boolean).join(' ');
  const exposure = [
    told?.exposureSeconds != null && formatExposure(told.exposureSeconds),
    told?.fNumber != null && `f/${told.fNumber}`,
    told?.iso != null && `ISO ${told.iso}`,
    told?.focalLengthMm != null && `${told.focalLengthMm} mm`,
  ].filter((part) => part !== false);
  const place = told?.gps && `${told.gps.latitude.toFixed(5)}, ${told.gps.longitude.toFixed(5)}`;
  return (
    <section>
      <h3>The photo</h3>
      <Facts
        facts={[
          ['Taken', takenAt && formatTaken(takenAt, takenOffset)],
          ['Pixels', width && height ? `${width} × ${height}` : null],
          ['Type', photo.contentType],
          ['Camera', camera],
          ['Lens', told?.lens ?? null],
          ['Exposure', exposure.join(', ')],
          ['Place', place ?? null],
          ['Rating', told?.rating == null ? null : String(told.rating)],
          ['Title', told?.title ?? null],
          ['Description', told?.description ?? null],
          ['Keywords', told?.keywords.join(', ') ?? null],
        ]}
      />
    </section>
  );
}
