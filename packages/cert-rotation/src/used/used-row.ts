import type { UsedFile } from '@kube-rescue/node-config';
import { type Certificate, describeValidity, nameOf, NO_VALIDITY } from '@kube-rescue/x509';
import { PKI_ERRORS } from '../errors.ts';
import { type Problem, reportProblems } from '../judgement/problem.ts';
import type { CertificateRow } from '../judgement/report.ts';
import type { UsedCertificates } from './used-credentials.ts';

/** The row of certificates that were read. */
export function rowOf(
  used: UsedCertificates,
  problems: readonly Problem[],
  now: Date,
  id = `used-by/${used.file.user}`,
): CertificateRow {
  const { certificates, file, path, kind, role } = used;
  const certificate = certificates.ok ? certificates.value[0] : undefined;
  return {
    id,
    kind: role === 'trust' ? 'ca' : kind,
    name: `${role === 'trust' ? 'CA' : 'certificate'} of ${file.user} (${file.through})`,
    path,
    issuer: null,
    ...describe(certificate, now),
    ...reportProblems(problems),
  };
}

function describe(certificate: Certificate | undefined, now: Date) {
  if (certificate === undefined) return { subject: null, ...NO_VALIDITY };
  return { subject: nameOf(certificate.x509.subject) || null, ...describeValidity(certificate, now) };
}

/** The row of a named file that does not exist. */
export function rowOfMissing({ path, user, through }: UsedFile): CertificateRow {
  const problem: Problem = {
    code: 'PKI_CERTIFICATE_MISSING',
    kind: PKI_ERRORS.PKI_CERTIFICATE_MISSING,
    severity: 'problem',
    message: 'does not exist',
    subject: path,
    hint: `named by ${user} through ${through}; restore the file from a backup, or correct ${through}`,
    fixedBy: 'operator',
  };
  return {
    id: `used-by/${user}`,
    kind: 'file',
    name: `file of ${user} (${through})`,
    path,
    subject: null,
    issuer: null,
    ...NO_VALIDITY,
    ...reportProblems([problem]),
  };
}
