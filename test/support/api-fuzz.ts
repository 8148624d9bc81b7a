/** Hostile requests made from an OpenAPI document, so that no route and no field of it is left out. */
import fc from 'fast-check';
import { hostileBody, hostileHeader, hostileJson, hostilePiece, percentEncoded } from './hostile.ts';
import type { RawRequest } from './raw-http.ts';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly default?: unknown;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly schema?: Schema;
}

interface Described {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema?: Schema }>>;
  };
}

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** JSON text of a right value for a field, where its schema alone does not say one; null: it does. */
export type Right = (operation: string, field: string) => string | null;

/** One operation of the document, ready to be called rightly and wrongly. */
export interface Target {
  /** `POST /api/sync`. */
  readonly name: string;
  /** Where something hostile can be put: `path id`, `query limit`, `body`, `body images.0.filename`. */
  readonly slots: readonly string[];
  /** A request of right values. */
  readonly right: RawRequest;
  /** Requests with something hostile in this slot, and right values in some of the others. */
  hostile(slot: string): fc.Arbitrary<RawRequest>;
}

/** Every operation of the document. */
export function targetsOf(document: ApiDocument, right: Right): Target[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, described]) =>
      targetOf({
        document,
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        described,
        right,
      }),
    ),
  );
}

interface Operation {
  readonly document: ApiDocument;
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly described: Described;
  readonly right: Right;
}

/** What a request is made of: pieces of its address and header values as they are sent, JSON texts of fields. */
interface Pieces {
  readonly path: ReadonlyMap<string, string>;
  readonly query: readonly string[];
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | null;
}

/** Left out of right requests: other names of what is given already, and what only an answer tells. */
const BESIDE = new Set(['albumId', 'styleId', 'photoIds', 'cursor', 'variant', 'orphans', 'Last-Event-ID']);

const JSON_TYPE = ['Content-Type', 'application/json'] as const;

function targetOf(operation: Operation): Target {
  const { name, described } = operation;
  const parameters = described.parameters ?? [];
  const body = bodySchema(operation);
  const slots = [
    ...parameters.map((parameter) => `${parameter.in} ${parameter.name}`),
    'query *',
    'header *',
    'body',
    ...(body === null ? [] : ['body *', ...fieldsOf(operation, body, '').map((field) => `body ${field}`)]),
  ];
  return {
    name,
    slots,
    right: requestOf(
      operation,
      rightPieces(operation, (field) => !BESIDE.has(field)),
    ),
    hostile: (slot) => hostileIn(operation, slot),
  };
}

function bodySchema({ document, described }: Operation): Schema | null {
  const schema = described.requestBody?.content['application/json']?.schema;
  return schema === undefined ? null : resolved(document, schema);
}

function resolved(document: ApiDocument, schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  const found = name === undefined ? schema : document.components.schemas[name];
  if (found === undefined) throw new Error(`there is no schema ${name}`);
  return name === undefined ? found : resolved(document, found);
}

/** Of a union, every member's. */
function fieldsOf(operation: Operation, schema: Schema, prefix: string): string[] {
  const here = resolved(operation.document, schema);
  const unions = [...(here.oneOf ?? []), ...(here.anyOf ?? []), ...(here.allOf ?? [])];
  const own = Object.entries(here.properties ?? {}).flatMap(([name, field]) => {
    const at = prefix === '' ? name : `${prefix}.${name}`;
    return [at, ...fieldsOf(operation, field, at)];
  });
  const item = prefix === '' ? '0' : `${prefix}.0`;
  const items = here.items === undefined ? [] : [item, ...fieldsOf(operation, here.items, item)];
  return [...new Set([...own, ...items, ...unions.flatMap((member) => fieldsOf(operation, member, prefix))])];
}

function rightPieces(operation: Operation, wants: (optional: string) => boolean): Pieces {
  const { described, name, right } = operation;
  const path = new Map<string, string>();
  const query: string[] = [];
  const headers: (readonly [string, string])[] = [];
  for (const { in: where, name: parameter, schema = {} } of described.parameters ?? []) {
    const value = textOf(right(name, parameter) ?? rightJson(operation, schema, parameter));
    if (where === 'path') path.set(parameter, percentEncoded(value));
    if (where === 'query' && wants(parameter)) query.push(`${parameter}=${percentEncoded(value)}`);
    if (where === 'header' && wants(parameter)) headers.push([parameter, value]);
  }
  const schema = bodySchema(operation);
  if (schema === null) return { path, query, headers, body: null };
  const body = Buffer.from(objectJson(operation, schema, '', wants, null));
  return { path, query, headers: [...headers, JSON_TYPE], body };
}

/** A JSON string as itself, anything else as its JSON. */
function textOf(json: string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? value : json;
}

function rightJson(operation: Operation, schema: Schema, field: string): string {
  const known = operation.right(operation.name, field);
  if (known !== null) return known;
  const here = resolved(operation.document, schema);
  const given = here.example ?? here.default ?? here.enum?.[0];
  if (given !== undefined) return JSON.stringify(given);
  const member = here.oneOf?.[0] ?? here.anyOf?.[0] ?? here.allOf?.[0];
  if (member !== undefined) return rightJson(operation, member, field);
  if (here.properties !== undefined) return objectJson(operation, here, field, () => true, null);
  if (here.items !== undefined) return `[${rightJson(operation, here.items, `${field}.0`)}]`;
  if (here.format === 'uuid') return '"0d1f0a52-6f0f-4d39-bd0c-1c7c7c7b0a01"';
  if (here.type === 'boolean') return 'true';
  return here.type === 'integer' || here.type === 'number' ? '1' : '"text"';
}

interface Wrong {
  readonly field: string;
  readonly json: string;
}

/** An object of the fields that are required or wanted, one of them, or of what is in it, replaced. */
function objectJson(
  operation: Operation,
  schema: Schema,
  prefix: string,
  wants: (optional: string) => boolean,
  wrong: Wrong | null,
): string {
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const at = prefix === '' ? name : `${prefix}.${name}`;
    const isWrong = wrong !== null && (wrong.field === at || wrong.field.startsWith(`${at}.`));
    if (!isWrong && !schema.required?.includes(name) && !wants(at)) return [];
    return [
      `${JSON.stringify(name)}:${isWrong ? wrongJson(operation, field, at, wrong) : rightJson(operation, field, at)}`,
    ];
  });
  return `{${members.join(',')}}`;
}

function wrongJson(operation: Operation, schema: Schema, at: string, wrong: Wrong): string {
  if (wrong.field === at) return wrong.json;
  const here = resolved(operation.document, schema);
  if (here.items !== undefined) {
    return `[${rightJson(operation, here.items, `${at}.0`)},${wrongJson(operation, here.items, `${at}.0`, wrong)}]`;
  }
  const member = [...(here.oneOf ?? []), ...(here.anyOf ?? [])].find((one) => one.properties !== undefined);
  return objectJson(operation, member ?? here, at, () => true, wrong);
}

function hostileIn(operation: Operation, slot: string): fc.Arbitrary<RawRequest> {
  const [where = '', field = ''] = slot.split(/ (.*)/s);
  const context = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }).map((bits) => {
    let at = 0;
    return rightPieces(operation, () => bits[at++ % bits.length] ?? false);
  });
  const wanting = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
  const made = (change: (pieces: Pieces) => Pieces) => (pieces: Pieces) => requestOf(operation, change(pieces));
  switch (where) {
    case 'path':
      return fc
        .tuple(context, hostilePiece)
        .map(([pieces, value]) => made((one) => ({ ...one, path: new Map([...one.path, [field, value]]) }))(pieces));
    case 'query':
      return fc
        .tuple(context, queryWith(field))
        .map(([pieces, more]) => made((one) => ({ ...one, query: [...one.query, more] }))(pieces));
    case 'header':
      return fc
        .tuple(context, headerWith(field))
        .map(([pieces, more]) =>
          made((one) => ({ ...one, headers: [...one.headers.filter(([name]) => name !== more[0]), more] }))(pieces),
        );
    default:
      if (field === '' || field === '*') return wholeBody(operation, context, field);
      return fc.tuple(wanting, hostileJson).map(([bits, json]) => {
        let at = 0;
        const wants = () => bits[at++ % bits.length] ?? false;
        const pieces = rightPieces(operation, () => false);
        const schema = bodySchema(operation) ?? {};
        return requestOf(operation, {
          ...pieces,
          body: Buffer.from(objectJson(operation, schema, '', wants, { field, json })),
        });
      });
  }
}

function queryWith(field: string): fc.Arbitrary<string> {
  if (field === '*') {
    const names = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'limit[]', 'a[b]'), hostilePiece);
    return fc.tuple(names, hostilePiece).map(([name, value]) => `${name}=${value}`);
  }
  return fc.oneof(
    hostilePiece.map((value) => `${field}=${value}`),
    fc.tuple(hostilePiece, hostilePiece).map(([a, b]) => `${field}=${a}&${field}=${b}`),
    fc.constantFrom(field, `${field}=`, `${field}[]=1`, `${field}[a]=1`, `${field}.a=1`),
  );
}

const HEADERS = [
  'Content-Type',
  'Content-Encoding',
  'Accept',
  'Accept-Encoding',
  'If-None-Match',
  'Range',
  'Cookie',
  'Expect',
  'Authorization',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-HTTP-Method-Override',
  'Transfer-Encoding',
  'Content-Length',
  'Origin',
  'Host',
  'Upgrade',
  'Prefer',
] as const;

function headerWith(field: string): fc.Arbitrary<readonly [string, string]> {
  const name = field === '*' ? fc.constantFrom<string>(...HEADERS) : fc.constant(field);
  return fc.tuple(name, hostileHeader);
}

function wholeBody(operation: Operation, context: fc.Arbitrary<Pieces>, field: string): fc.Arbitrary<RawRequest> {
  if (field === '*') {
    // A field that nobody knows, among right ones.
    return fc
      .tuple(context, fc.constantFrom('__proto__', 'constructor', 'toJSON', 'x', ''), hostileJson)
      .map(([pieces, name, json]) => {
        const inside = (pieces.body?.toString() ?? '{}').slice(1, -1);
        const members = [...(inside === '' ? [] : [inside]), `${JSON.stringify(name)}:${json}`];
        return requestOf(operation, { ...pieces, body: Buffer.from(`{${members.join(',')}}`) });
      });
  }
  const types = fc.constantFrom(
    'application/json',
    'application/json; charset=utf-16',
    'application/json;charset=latin1',
    'application/problem+json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    '',
    'nonsense',
  );
  return fc.tuple(context, types, hostileBody).map(([pieces, type, body]) =>
    requestOf(operation, {
      ...pieces,
      headers: [...pieces.headers.filter(([name]) => name !== 'Content-Type'), ['Content-Type', type]],
      body,
    }),
  );
}

function requestOf({ method, path }: Operation, pieces: Pieces): RawRequest {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => pieces.path.get(name) ?? '');
  const query = pieces.query.length === 0 ? '' : `?${pieces.query.join('&')}`;
  return { method: method.toUpperCase(), target: `${filled}${query}`, headers: pieces.headers, body: pieces.body };
}
