/** What the API answers when it does not do what was asked. */

/** An RFC 9457 problem document as an error. The message is its `detail`. */
export class ProblemError extends Error {
  /** Of HTTP. */
  readonly status: number;
  /** What went wrong, by a stable name, like `SYNC_IN_PROGRESS`; `HTTP_502` when what answered was not Rollcall. */
  readonly code: string;
  /** Which input is wrong, when it is one. */
  readonly field: string | undefined;
  /** This very occurrence: the server's log has it under the same id. */
  readonly instance: string | undefined;

  constructor(status: number, problem: { code: string; detail: string; field?: string; instance?: string }) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.status = status;
    this.code = problem.code;
    this.field = problem.field;
    this.instance = problem.instance;
  }
}

/** The response itself, or a ProblemError. What is JSON and no problem is an answer, whatever its status. */
export async function orProblem(response: Response): Promise<Response> {
  const type = mediaType(response);
  if (type !== 'application/problem+json' && (response.ok || type === 'application/json')) return response;
  throw await problemOf(response);
}

function mediaType({ headers }: Response): string {
  return headers.get('Content-Type')?.split(';')[0]?.trim().toLowerCase() ?? '';
}

async function problemOf(response: Response): Promise<ProblemError> {
  const { status, statusText } = response;
  const text = await response.text();
  const { code, detail, field, instance } = fieldsOf(text);
  return new ProblemError(status, {
    code: code ?? `HTTP_${status}`,
    detail: detail ?? `the answer was ${status} ${statusText}`.trim(),
    ...(field !== undefined && { field }),
    ...(instance !== undefined && { instance }),
  });
}

/** Proxies answer with pages of their own. */
function fieldsOf(text: string): Partial<Record<'code' | 'detail' | 'field' | 'instance', string>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null) return {};
  return Object.fromEntries(Object.entries(parsed).filter(([, value]) => typeof value === 'string'));
}
