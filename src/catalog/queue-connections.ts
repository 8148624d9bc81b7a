/** The queue's own connections: its heartbeats must not wait behind a sync's bulk statements. */
import type { RollcallError } from '../errors.ts';
import type { Statements, Sums, TaskStore } from '../sync/task-store.ts';
import { taskStore } from './album-tasks.ts';
import { type DatabaseOptions, openDatabase } from './database.ts';
import { asDatabaseError } from './errors.ts';
import { queueSchema } from './queue-schema.ts';

export interface QueueConnections {
  readonly tasks: TaskStore;
  /** For the queue itself, which has to see the driver's own errors. */
  readonly statements: Statements;
  /** What those errors are to anybody else: DATABASE_*. */
  explain(thrown: unknown): RollcallError;
  /** The schema that is the queue's. */
  readonly schema: string;
  close(): Promise<void>;
}

/** Opens a pool; no connection is made before the first statement. `sums` adds up what tasks came to. */
export function openQueueConnections(options: DatabaseOptions, sums: Sums): QueueConnections {
  const database = openDatabase(options);
  const { pool, settings } = database;
  return {
    tasks: taskStore(database, sums),
    statements: { executeSql: (text, values) => (values ? pool.query(text, values) : pool.query(text)) },
    explain: (thrown) => asDatabaseError(thrown, settings.place),
    schema: queueSchema(settings.schema),
    close: () => database.close(),
  };
}
