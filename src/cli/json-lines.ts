/** JSON as the command line prints it. */

/** One line of JSON; whole numbers beyond 2^53 as strings, errors by name, code and message. */
export function jsonLine(value: object): string {
  const text = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    if (part instanceof Error)
      return { name: part.name, code: (part as { code?: unknown }).code, message: part.message };
    return part;
  });
  return jsonForTerminals(text);
}

/**
 * JSON with what JSON.stringify leaves alone and terminals don't escaped as well: controls beyond ASCII's first, and what
 * turns the writing direction. To a parser it is the same.
 */
export function jsonForTerminals(json: string): string {
  return json.replaceAll(
    /[\u007F-\u009F\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
