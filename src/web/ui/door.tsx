/** Where the server wants a token: the prompt for it. */
import { type FormEvent, useId, useState } from 'react';
import { enter } from '../api/session.ts';
import { Problem } from './parts.tsx';

export function Door({ refused }: { refused: boolean }) {
  const [token, setToken] = useState('');
  const [remember, setRemember] = useState(false);
  const [stage, setStage] = useState<'asking' | 'trying' | 'wrong'>(refused ? 'wrong' : 'asking');
  const [error, setError] = useState<unknown>(null);
  const [field, hint] = [useId(), useId()];

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setStage('trying');
    setError(null);
    try {
      if (!(await enter(token.trim(), remember))) setStage('wrong');
    } catch (thrown) {
      setError(thrown);
      setStage('asking');
    }
  };

  return (
    <main className="door">
      <h1>Rollcall</h1>
      <form onSubmit={submit}>
        <label htmlFor={field}>Token</label>
        <input
          id={field}
          type="password"
          autoComplete="current-password"
          required
          // biome-ignore lint/a11y/noAutofocus: it is all that there is to do here.
          autoFocus
          aria-describedby={hint}
          aria-invalid={stage === 'wrong'}
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        <p id={hint} className={stage === 'wrong' ? 'wrong' : 'quiet'} role={stage === 'wrong' ? 'alert' : undefined}>
          {stage === 'wrong'
            ? 'This is not the token. It is the value of API_TOKEN, or a token that rollcall token has made.'
            : 'The value of API_TOKEN, or a token that rollcall token has made.'}
        </p>
        <label className="check">
          <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.target.checked)} />
          Remember it on this device
        </label>
        <button type="submit" className="primary" disabled={stage === 'trying'}>
          {stage === 'trying' ? 'Trying…' : 'Open'}
        </button>
        {error !== null && <Problem error={error} />}
      </form>
    </main>
  );
}
