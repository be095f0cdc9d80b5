import type { ErrorCode, ErrorKind, RecoveryError } from '@kube-rescue/errors';

/** Something about a certificate or authority that a person should know, as plain data. */
export interface Problem {
  /** A code of this package or of those that read certificates and keys; the host's when a file could not be read. */
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  /** `problem`: it does not work. `warning`: it works, but something is missing. `info`: it works. */
  readonly severity: 'problem' | 'warning' | 'info';
  readonly message: string;
  /** Which file it is about. */
  readonly subject: string;
  readonly hint: string;
  /** Whether issuing the certificate anew mends it: always, only with a new key, or never. */
  readonly fixedBy: 'renewal' | 'new-key' | 'person';
}

/** What a report says of the problems of one certificate. Survives JSON. */
export interface ReportedProblems {
  readonly problems: readonly Pick<Problem, 'code' | 'severity' | 'message' | 'subject' | 'hint'>[];
  /** `problem`: it does not work. `warning`: it works, but a person should know something. */
  readonly status: 'ok' | 'warning' | 'problem';
}

export function reportProblems(problems: readonly Problem[]): ReportedProblems {
  const isBad = problems.some(({ severity }) => severity === 'problem');
  return {
    problems: problems.map(({ code, severity, message, subject, hint }) => ({
      code,
      severity,
      message,
      subject,
      hint,
    })),
    status: isBad ? 'problem' : problems.length > 0 ? 'warning' : 'ok',
  };
}

/** A failed reading as a problem that a person must mend. */
export function problemOf(error: RecoveryError, subject: string, fixedBy: Problem['fixedBy'] = 'person'): Problem {
  return {
    code: error.code,
    kind: error.kind,
    severity: 'problem',
    message: error.message,
    subject: error.subject ?? subject,
    hint: error.hint ?? 'look at the file',
    fixedBy,
  };
}
