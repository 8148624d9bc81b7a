/** Waiting for the disk no longer than anybody wants the answer. */

/**
 * The result of `work`, or the signal's reason as soon as it aborts: a file system call on a hung network share
 * cannot be cancelled, only left behind. `release` gets a result that came too late.
 */
export async function abortable<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
  release: (late: T) => void = () => {},
): Promise<T> {
  signal.throwIfAborted();
  const result = work();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => {
    reject(signal.reason);
    result.then(release, () => {});
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
