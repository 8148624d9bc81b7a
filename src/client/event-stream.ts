/** The text of server-sent events, as the HTML standard reads it. A browser's EventSource cannot send a token. */

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** Of this event, or of the last one before it that had one. */
  readonly id: string;
}

/** Takes the text of a stream in pieces, cut anywhere, and answers the events that each piece completes. */
export class EventStreamReader {
  /** What the server asks for: after so many milliseconds to come back. */
  retryMs: number | null = null;
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id: string;
  #begun = false;

  constructor(lastId: string) {
    this.#id = lastId;
  }

  push(text: string): ServerEvent[] {
    this.#rest += text;
    if (!this.#begun && this.#rest !== '') {
      this.#begun = true;
      if (this.#rest.startsWith('\uFEFF')) this.#rest = this.#rest.slice(1);
    }
    const events: ServerEvent[] = [];
    for (let end = lineEnd(this.#rest); end !== null; end = lineEnd(this.#rest)) {
      const line = this.#rest.slice(0, end.at);
      this.#rest = this.#rest.slice(end.next);
      const event = line === '' ? this.#dispatch() : this.#take(line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  #dispatch(): ServerEvent | null {
    const event = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#event = '';
    this.#data = [];
    return isEmpty ? null : event;
  }

  #take(line: string): null {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    if (name === 'data') this.#data.push(value);
    if (name === 'id' && !value.includes('\0')) this.#id = value;
    if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }
}

/** Lines end with LF, CR or both; a CR at the very end may be half of both. */
function lineEnd(text: string): { readonly at: number; readonly next: number } | null {
  const at = text.search(/[\r\n]/);
  if (at === -1 || (text[at] === '\r' && at + 1 === text.length)) return null;
  return { at, next: at + (text.startsWith('\r\n', at) ? 2 : 1) };
}
