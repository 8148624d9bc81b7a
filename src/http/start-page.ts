import { html } from 'hono/html';

/** What a browser finds at `/`. */
export function startPage(version: string) {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Rollcall</title>
    <link rel="stylesheet" href="/style.css" />
  </head>
  <body>
    <h1>Rollcall</h1>
    <p>Keeps a photo library in agreement across folders on disk, rows in PostgreSQL and objects in an S3 bucket.</p>
    <ul>
      <li><a href="/docs">What the API can do</a></li>
      <li><a href="/api/health">How it is doing</a></li>
      <li><a href="/api/albums">Albums</a>, <a href="/api/runs">runs</a>, <a href="/api/libraries">libraries</a></li>
      <li><a href="/openapi.json">The API as OpenAPI 3.1</a>, <a href="/metrics">numbers for Prometheus</a></li>
    </ul>
    <p><small>Version ${version}</small></p>
  </body>
</html>`;
}
