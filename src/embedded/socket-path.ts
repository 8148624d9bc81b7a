/** The host's unix socket, DATA_DIR/embedded.sock, by a name that fits into a socket address. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** macOS has room for 103 bytes, Linux for 107. */
const MOST_BYTES = 100;

export const SOCKET_FILE = 'embedded.sock';

/**
 * Calls `use` with a path to the socket. When DATA_DIR's own is too long, it leads through a symbolic link in a private
 * temporary folder that lives as long as the call: the socket stays in DATA_DIR, where every client finds it whatever
 * its TMPDIR is.
 */
export async function withSocketPath<T>(dataDir: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(dataDir, SOCKET_FILE);
  if (Buffer.byteLength(path) <= MOST_BYTES) return await use(path);
  const folder = mkdtempSync(join(tmpdir().length < 60 ? tmpdir() : '/tmp', 'rollcall-'));
  try {
    symlinkSync(dataDir, join(folder, 'd'));
    return await use(join(folder, 'd', SOCKET_FILE));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
