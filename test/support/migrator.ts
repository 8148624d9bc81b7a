/** A process that migrates a database and says what it applied: `node migrator.ts <url>`. */
import { migrate } from '../../src/catalog/migrate.ts';

const applied = await migrate(process.argv[2] ?? '', new AbortController().signal);
process.stdout.write(JSON.stringify(applied));
