/** A client of server-sent events. */

export interface ServerEvent {
  readonly event: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}

export interface EventStream {
  readonly response: Response;
  /** Every line that is a comment, so far. */
  readonly comments: readonly string[];
  /** The next event; null: the server has ended the stream. */
  next(): Promise<ServerEvent | null>;
  /** All events until the server ends the stream. */
  rest(): Promise<ServerEvent[]>;
  /** Hangs up. */
  close(): void;
}

export async function listenTo(url: string, lastEventId?: string): Promise<EventStream> {
  const hangUp = new AbortController();
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
  const response = await fetch(url, { headers, signal: hangUp.signal });
  const comments: string[] = [];
  const events = response.body === null ? null : eventsOf(response.body, comments);
  const next = async () => {
    const answer = await events?.next();
    return answer === undefined || answer.done ? null : answer.value;
  };
  return {
    response,
    comments,
    next,
    rest: async () => {
      const all: ServerEvent[] = [];
      for (let event = await next(); event !== null; event = await next()) all.push(event);
      return all;
    },
    close: () => hangUp.abort(),
  };
}

async function* eventsOf(body: ReadableStream<Uint8Array>, comments: string[]): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n');
      comments.push(...lines.filter((line) => line.startsWith(':')));
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      if (data !== undefined) yield { event: field('event') ?? '', id: field('id') ?? '', data: JSON.parse(data) };
    }
  }
}
