/** Adding and changing a library. The server checks root and bucket before it saves anything. */
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { useLibraries } from '../api/lists.ts';
import { forgetAnswers, useQuery } from '../api/query.ts';
import { session } from '../api/session.ts';
import type { Library } from '../api/types.ts';
import {
  EMPTY_FORM,
  type FieldNote,
  formOf,
  isElsewhere,
  type LibraryForm,
  libraryChange,
  newLibrary,
  placeOfForm,
  trialNotes,
} from '../logic/library-form.ts';
import { tell } from '../logic/problems.ts';
import { hrefOf } from '../logic/routes.ts';
import { Confirm } from '../ui/dialog.tsx';
import { Answered, Heading, Problem } from '../ui/parts.tsx';
import { Link, navigate } from '../ui/router.tsx';
import { useStore } from '../ui/store.ts';
import { toast } from '../ui/toasts.tsx';

export function LibraryPage({ id }: { id: string }) {
  const library = useQuery(`library ${id}`, async (client, signal) =>
    id === 'new' ? null : (await client.api.libraries[':id'].$get({ param: { id } }, { init: { signal } })).json(),
  );
  return (
    <Answered query={library}>
      {(data) => (
        <>
          <Heading title={data?.name ?? 'A new library'} lead={<Link href={hrefOf('libraries')}>All libraries</Link>} />
          <Form key={data?.id ?? 'new'} library={data} />
          {data && <Forget library={data} />}
        </>
      )}
    </Answered>
  );
}

type Notes = ReturnType<typeof trialNotes>;

function Form({ library }: { library: Library | null }) {
  const { client } = useStore(session);
  const shown = (useLibraries().data ?? []).map(({ bucket }) => bucket);
  const [form, setForm] = useState<LibraryForm>(library === null ? EMPTY_FORM : formOf(library));
  const [busy, setBusy] = useState<'checking' | 'saving' | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [notes, setNotes] = useState<Notes | null>(null);
  const wrong = error === null ? null : fieldOf(error);
  const text = (name: 'name' | 'root' | 'bucket' | 'prefix') => ({
    value: form[name],
    onChange: (value: string) => {
      setForm({ ...form, [name]: value });
      // What was found of another place says nothing of this one.
      if (name !== 'name') setNotes(null);
    },
    note:
      wrong === name
        ? ({ tone: 'bad', text: `❌ ${tell(error).what}` } as const)
        : name === 'root' || name === 'bucket'
          ? (notes?.[name] ?? null)
          : null,
  });

  const check = async (): Promise<boolean> => {
    setBusy('checking');
    setError(null);
    setNotes(null);
    try {
      const answer = await client.api.libraries.check.$post({ json: placeOfForm(form, library) });
      const trial = await answer.json();
      setNotes(trialNotes(trial));
      setBusy(null);
      return trial.root.ok && trial.bucket.ok;
    } catch (thrown) {
      setError(thrown);
      setBusy(null);
      return false;
    }
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // What stays where it is may be away just now: its name or its excludes can be changed all the same.
    const goes = library === null || isElsewhere(library, form);
    if (goes && !(await check())) return;
    setBusy('saving');
    try {
      const { libraries } = client.api;
      const answer =
        library === null
          ? await libraries.$post({ json: newLibrary(form) })
          : await libraries[':id'].$patch({ param: { id: library.id }, json: libraryChange(library, form) as object });
      const saved = await answer.json();
      forgetAnswers();
      // Pictures of another bucket are allowed to the page when it is loaded.
      if (!shown.includes(saved.bucket)) return location.assign(hrefOf('libraries'));
      toast({ tone: 'good', text: `✅ ${saved.name} is saved${goes ? '; root and bucket can be used' : ''}` });
      navigate(hrefOf('libraries'));
    } catch (thrown) {
      setError(thrown);
      setBusy(null);
    }
  };
  return (
    <form className="panel fields tall" onSubmit={(event) => void submit(event)}>
      <Field label="Name" required {...text('name')} />
      <Field label="Root" hint="The folder of albums, an absolute path on the server." required {...text('root')} />
      <Field
        label="Bucket"
        hint={library ? 'Can change only while the library has no photos.' : "Empty: the server's own."}
        {...text('bucket')}
      />
      <Field
        label="Prefix"
        hint={`Where its objects lie in the bucket, like photos/. No other library's may overlap it.${library ? '' : " Empty: the server's own."}`}
        {...text('prefix')}
      />
      <Labelled label="Excludes" hint="What not to sync, a pattern a line, as in .gitignore.">
        {(props) => (
          <textarea
            {...props}
            rows={4}
            spellCheck={false}
            value={form.excludes}
            onChange={(event) => setForm({ ...form, excludes: event.target.value })}
          />
        )}
      </Labelled>
      <Labelled
        label="By itself"
        hint="Two-way: what only one side has is copied to the other; nothing is ever replaced."
      >
        {(props) => (
          <select
            {...props}
            value={form.sync}
            onChange={(event) => setForm({ ...form, sync: event.target.value as Library['sync'] })}
          >
            <option value="up">Reconciliation only</option>
            <option value="both">Two-way sync, again and again</option>
          </select>
        )}
      </Labelled>
      {error !== null && <Problem error={error} />}
      <div className="actions">
        <button type="submit" className="primary" disabled={busy !== null} aria-busy={busy !== null}>
          {busy === 'checking' ? '🔍 Checking root and bucket…' : busy === 'saving' ? '⏳ Saving…' : 'Check and save'}
        </button>
        <button type="button" disabled={busy !== null || form.root.trim() === ''} onClick={() => void check()}>
          Only check
        </button>
      </div>
    </form>
  );
}

/** Faults of root and bucket come from the guards and name no field. */
function fieldOf(error: unknown): string | null {
  const { field, code } = tell(error);
  if (code?.startsWith('GUARD_ROOT')) return 'root';
  if (code?.startsWith('BUCKET_')) return 'bucket';
  return field;
}

interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly required?: boolean;
  readonly value: string;
  readonly note: FieldNote | null;
  readonly onChange: (value: string) => void;
}

function Field({ label, hint, required = false, value, note, onChange }: FieldProps) {
  return (
    <Labelled label={label} hint={hint} note={note}>
      {(props) => (
        <input
          {...props}
          required={required}
          spellCheck={false}
          autoComplete="off"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Labelled>
  );
}

interface LabelledProps {
  readonly label: string;
  readonly hint?: string | undefined;
  /** What was found of what is in it. */
  readonly note?: FieldNote | null;
  readonly children: (props: { id: string; 'aria-describedby': string; 'aria-invalid': boolean }) => ReactNode;
}

function Labelled({ label, hint, note = null, children }: LabelledProps) {
  const [id, hintId] = [useId(), useId()];
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': hintId, 'aria-invalid': note?.tone === 'bad' })}
      <div id={hintId}>
        {hint && <p className="quiet">{hint}</p>}
        {/* Always there: a screen reader only tells of what comes into what it knows. */}
        <p role="status" className={note ? `note tone-${note.tone}` : ''}>
          {note?.text}
        </p>
      </div>
    </div>
  );
}

function Forget({ library }: { library: Library }) {
  const { client } = useStore(session);
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const forget = async () => {
    setAsking(false);
    try {
      await client.api.libraries[':id'].$delete({ param: { id: library.id } });
      forgetAnswers();
      toast({ tone: 'good', text: `✅ ${library.name} is forgotten; its files and objects are as they were` });
      navigate(hrefOf('libraries'));
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <section className="panel">
      <h2>Forget this library</h2>
      <p>Its records and the history of its runs go. Files on disk and objects in the bucket are not touched.</p>
      {error !== null && <Problem error={error} />}
      <button type="button" className="danger" onClick={() => setAsking(true)}>
        Forget…
      </button>
      {asking && (
        <Confirm
          title={`Forget ${library.name}?`}
          confirm="Forget it"
          onConfirm={() => void forget()}
          onCancel={() => setAsking(false)}
        >
          <p>
            What Rollcall knows of <strong>{library.root}</strong> is removed. No file and no object is.
          </p>
        </Confirm>
      )}
    </section>
  );
}
