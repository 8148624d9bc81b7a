/** The migrations that come with this version of Rollcall: prisma/migrations, in Prisma's own layout. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** prisma/ is two levels up from src/catalog and from dist/catalog alike. */
export const PRISMA_FOLDER = fileURLToPath(new URL('../../prisma/', import.meta.url));

export interface MigrationFile {
  /** `<timestamp>_<name>`; their order is the order to apply them in. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 as Prisma records it in `_prisma_migrations`. */
  readonly checksum: string;
}

/** The migrations of a Prisma folder, in the order to apply them in. */
export async function readMigrations(prismaFolder = PRISMA_FOLDER): Promise<readonly MigrationFile[]> {
  const folder = `${prismaFolder}/migrations`;
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const text = await readFile(`${folder}/${name}/migration.sql`, 'utf8');
      // A checkout with CRLF line ends is the same migration.
      const sql = text.replaceAll('\r\n', '\n');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}
