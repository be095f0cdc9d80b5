import type { ErrorCode, ErrorKind, RecoveryError } from '@kube-rescue/errors';

/** A problem of a certificate or CA, as plain data. */
export interface Problem {
  /** A code of this package or of those that read certificates and keys; the host's when a file could not be read. */
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  /** `problem`: does not work. `warning`: works, but the operator should read it. `info`: works, and nothing is wrong. */
  readonly severity: 'problem' | 'warning' | 'info';
  /** Continues the name of the certificate when it begins with a verb; see {@link joinSubject}. */
  readonly message: string;
  /** The file. */
  readonly subject: string;
  readonly hint: string;
  /** What fixes it: a renewal, a renewal with a new key, or only the operator. */
  readonly fixedBy: 'renewal' | 'new-key' | 'operator';
}

/** The problems of one certificate in a report. Survives JSON. */
export interface ReportedProblems {
  readonly problems: readonly Pick<Problem, 'code' | 'severity' | 'message' | 'subject' | 'hint'>[];
  /** `problem`: does not work. `warning`: works, but the operator should read its problems. */
  readonly status: 'ok' | 'warning' | 'problem';
}

/** The status is that of the gravest problem. */
export function reportProblems(problems: readonly Problem[]): ReportedProblems {
  const has = (wanted: Problem['severity']): boolean => problems.some(({ severity }) => severity === wanted);
  return {
    problems: problems.map(({ code, severity, message, subject, hint }) => ({
      code,
      severity,
      message,
      subject,
      hint,
    })),
    status: has('problem') ? 'problem' : has('warning') ? 'warning' : 'ok',
  };
}

/** A read error as a problem that the operator must fix, unless `fixedBy` names a renewal. */
export function problemOf(error: RecoveryError, subject: string, fixedBy: Problem['fixedBy'] = 'operator'): Problem {
  return {
    code: error.code,
    kind: error.kind,
    severity: 'problem',
    message: error.message,
    subject: error.subject ?? subject,
    hint: error.hint ?? 'inspect the file',
    fixedBy,
  };
}

const PREDICATE = /^(?:expired|expires|is|was|does|can|has|claims|allows|names) /;

/** Puts a name before a message: `etcd CA expired on ...`; a message that has its own subject follows a colon. */
export function joinSubject(name: string, message: string): string {
  return PREDICATE.test(message) ? `${name} ${message}` : `${name}: ${message}`;
}

const PLURALS: Readonly<Record<string, string>> = {
  expires: 'expire',
  is: 'are',
  was: 'were',
  does: 'do',
  has: 'have',
  claims: 'claim',
  allows: 'allow',
  names: 'name',
};

/** The same for a plural: `4 certificates expired on ...`, `2 certificates are not valid before ...`. */
export function joinPlural(names: string, message: string): string {
  return joinSubject(names, message).replace(
    new RegExp(`^(${names} )(${Object.keys(PLURALS).join('|')}) `),
    (_, before: string, verb: string) => `${before}${PLURALS[verb]} `,
  );
}
