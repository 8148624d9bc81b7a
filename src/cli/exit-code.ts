import { type ErrorCode, ExitCode, isErrorCode, RollcallError } from '../errors.ts';
import type { Report } from '../sync/types.ts';

/** The exit code of a command that ended with this report (DESIGN 13). */
export function exitCodeOf(report: Report): ExitCode {
  switch (report.status) {
    case 'succeeded':
    case 'planned':
      return ExitCode.ok;
    case 'partial':
      return ExitCode.photosFailed;
    case 'refused':
      return ExitCode.refused;
    case 'failed':
      return exitCodeFor(report.error?.code ?? firstCode(report));
  }
}

/** A run over several libraries has no error of its own: the first of theirs stands for it. */
function firstCode(report: Report): ErrorCode {
  return report.failures.map((failure) => failure.code).find(isErrorCode) ?? 'INTERNAL';
}

function exitCodeFor(code: ErrorCode): ExitCode {
  return new RollcallError(code, '').exitCode;
}
