/** JSON as the command line prints it. */

/** One line of JSON; whole numbers beyond 2^53 as strings, errors by name, code and message. */
export function jsonLine(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    if (part instanceof Error)
      return { name: part.name, code: (part as { code?: unknown }).code, message: part.message };
    return part;
  });
}
