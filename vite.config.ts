import { defineConfig } from 'vite';

// biome-ignore lint/style/noProcessEnv: for whoever works on the page, not for the program.
const SERVER = process.env['ROLLCALL'] ?? 'http://127.0.0.1:3000';

/** The admin page: from src/web to dist/web, where the built server finds it (src/http/admin-page.ts). */
export default defineConfig({
  root: 'src/web',
  // Nothing of a .env file gets into a page.
  envDir: false,
  publicDir: false,
  // The server takes writes from its own pages only: it is to see itself as their origin.
  server: { proxy: { '/api': { target: SERVER, changeOrigin: true, headers: { Origin: SERVER } } } },
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    // By it the server knows a page that was built from one's sources.
    manifest: 'manifest.json',
    // The policy of the page allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    // Those that know light-dark(): without it the choice of an appearance would not reach the colours.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    chunkSizeWarningLimit: 600,
  },
});
