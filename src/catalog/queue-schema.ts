/**
 * The schema of the queue: of its own, and one for each schema that holds our tables, so that two catalogs in one
 * database never take each other's jobs.
 */
export function queueSchema(schema: string): string {
  if (schema === 'public') return 'pgboss';
  return `pgboss_${schema.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')}`.slice(0, 50);
}
