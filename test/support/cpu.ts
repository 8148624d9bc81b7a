/**
 * The result of some work, and how many milliseconds this process computed for it, in all of its threads: a clock on the
 * wall would also count what other programs do meanwhile.
 */
export async function measured<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly cpuMs: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, cpuMs: (user + system) / 1_000 };
}
