/** /docs: the OpenAPI document as a page. Rendered here, so that it needs neither a script nor another server. */
import { html } from 'hono/html';
import type { describeApi } from './openapi.ts';

type Document = ReturnType<typeof describeApi>;

/** As much of a schema as the page shows. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Body {
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    name: string;
    in: string;
    required?: boolean;
    description?: string;
    schema?: Schema;
  }[];
  readonly requestBody?: Body;
  readonly responses?: Readonly<Record<string, Body>>;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export function docsPage(document: Document) {
  const tags = Map.groupBy(routesOf(document), (route) => route.operation.tags?.[0] ?? 'Other');
  const schemas = Object.entries((document.components?.schemas ?? {}) as Record<string, Schema>);
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${document.info.title} API</title>
    <link rel="stylesheet" href="/style.css" />
  </head>
  <body>
    <h1>${document.info.title} API <small>${document.info.version}</small></h1>
    <p>${document.info.description ?? ''} <a href="/openapi.json">openapi.json</a></p>
    ${[...tags].map(([tag, routes]) => html`<h2>${tag}</h2>${routes.map(renderRoute)}`)}
    <h2>Schemas</h2>
    ${schemas.map(
      ([name, schema]) =>
        html`<details id="${name}"><summary>${name}</summary><p>${schema.description ?? ''}</p>${renderSchema(schema)}</details>`,
    )}
  </body>
</html>`;
}

function routesOf(document: Document): Route[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({ method, path, operation })),
  );
}

function renderRoute({ method, path, operation }: Route) {
  const rows = (operation.parameters ?? []).map((parameter) =>
    renderField(`${parameter.name} (${parameter.in})`, parameter.required ?? false, {
      ...parameter.schema,
      ...(parameter.description === undefined ? {} : { description: parameter.description }),
    }),
  );
  const body = operation.requestBody;
  return html`<details id="${method}-${path}">
    <summary><b>${method}</b> <code>${path}</code> ${operation.summary ?? ''}</summary>
    <p>${operation.description ?? ''}</p>
    ${rows.length === 0 ? '' : html`<table>${rows}</table>`}
    ${body === undefined ? '' : html`<p>Body: ${body.description ?? ''} ${contentOf(body)}</p>`}
    <table>
      ${Object.entries(operation.responses ?? {}).map(
        ([status, response]) =>
          html`<tr><th>${status}</th><td>${response.description ?? ''}</td><td>${contentOf(response)}</td></tr>`,
      )}
    </table>
  </details>`;
}

function contentOf(body: Body) {
  return Object.entries(body.content ?? {}).map(
    ([type, { schema }]) => html`<code>${type}</code> ${schema === undefined ? '' : typeOf(schema)}`,
  );
}

function renderSchema(schema: Schema): unknown {
  const variants = variantsOf(schema);
  if (variants.length > 0) return variants.map((variant) => html`<div>${renderSchema(variant)}</div>`);
  if (schema.properties === undefined) return html`<p>${typeOf(schema)}</p>`;
  const rows = Object.entries(schema.properties).map(([name, field]) =>
    renderField(name, schema.required?.includes(name) ?? false, field),
  );
  return html`<table>${rows}</table>`;
}

function renderField(name: string, required: boolean, schema: Schema) {
  const nested = schema.properties === undefined ? '' : renderSchema(schema);
  return html`<tr>
    <th><code>${name}</code>${required ? '' : ' optional'}</th>
    <td>${typeOf(schema)}${schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`}</td>
    <td>${schema.description ?? ''} ${nested}</td>
  </tr>`;
}

function variantsOf(schema: Schema): readonly Schema[] {
  return schema.oneOf ?? schema.anyOf ?? schema.allOf ?? [];
}

function typeOf(schema: Schema): unknown {
  const name = schema.$ref?.split('/').at(-1);
  if (name !== undefined) return html`<a href="#${name}">${name}</a>`;
  const variants = variantsOf(schema);
  if (variants.length > 0) return variants.map((variant, at) => html`${at === 0 ? '' : ' or '}${typeOf(variant)}`);
  if (schema.enum !== undefined) return schema.enum.join(', ');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.items !== undefined) return html`list of ${typeOf(schema.items)}`;
  return typeof schema.type === 'object' ? schema.type.join(' or ') : (schema.type ?? 'anything');
}
