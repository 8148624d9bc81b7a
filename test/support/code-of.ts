/** How work fails that has to fail. */
import { RollcallError } from '../../src/errors.ts';

/** The code of the RollcallError that it ends with. Throws when it goes through, and whatever else it throws. */
export const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => new Error('it went through'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof RollcallError) return error.code;
  throw error;
};
