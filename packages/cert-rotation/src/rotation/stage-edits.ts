import type { HostPath } from '@kube-rescue/host';
import type { Change, Edit, Verdict } from '@kube-rescue/workflow';
import { formatTime } from '@kube-rescue/errors';
import { type Certificate, isSelfSignedCa } from '@kube-rescue/x509';
import { planFileChange } from '../renewal/file-target.ts';
import type { StageStatus } from './rotation-file-step.ts';
import type { RotationHost, RotationState } from './rotation-state.ts';
import type { TrustEdit } from './trust-exchange.ts';

/** Every user may read a certificate. */
export const CERTIFICATE_MODE = 0o644;

/** The file changes of edits, one for each file. */
export async function planEdits(edits: readonly TrustEdit[], host: RotationHost): Promise<readonly Change[]> {
  const changes = await Promise.all(edits.map(({ path }) => planFileChange(path, host)));
  return [...new Map(changes.map((change) => [change.target, change])).values()];
}

export function toEdit({ path, material }: TrustEdit): Edit {
  return { change: { kind: 'file.replace', target: path }, material };
}

export function editOf(path: HostPath, text: string): Edit {
  return toEdit({ path, material: Buffer.from(text, 'latin1') });
}

/** Verifies the certificate of a new CA with OpenSSL. */
export function verifyNewCa({ der, x509, notAfter }: Certificate, what: string): Verdict {
  if (!isSelfSignedCa(der)) {
    return { verified: false, reason: 'the certificate of the new CA is not a self-signed CA certificate' };
  }
  return { verified: true, evidence: [`${what} serial ${x509.serialNumber}, valid until ${formatTime(notAfter)}`] };
}

export function refuse(reason: string, { files }: RotationState): Verdict {
  return {
    verified: false,
    reason: `${files.certificate}: ${reason}`,
    hint: 'inspect the file, then run the stage again',
  };
}

/** The status of a stage that cannot change every file. */
export function blockedBy(reason: string): StageStatus {
  const hint = 'correct the file, or remove the CA from it, then run the stage again';
  return { blocked: { code: 'PKI_TRUST_UNEDITABLE', reason, hint } };
}
