/** JSON as the command line prints it: one line a value, whole numbers beyond 2^53 as strings. */

/** One line of JSON. */
export function jsonLine(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? part.toString() : part));
}
