/** What a client would rather have (RFC 7240). */

/** Does it ask not to be kept waiting? Preferences nobody knows are passed over, as the RFC has it. */
export function prefersAsync(header: string | undefined): boolean {
  return (header ?? '').split(',').some((preference) => {
    const [name = ''] = preference.split(/[;=]/, 1);
    return name.trim().toLowerCase() === 'respond-async';
  });
}

/** As a route's parameter. */
export const prefer = {
  in: 'header',
  name: 'Prefer',
  schema: { type: 'string' },
  description: '`respond-async`: do not wait for the end; see RFC 7240.',
} as const;
