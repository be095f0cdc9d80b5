import type { HostPath } from '@kube-rescue/host';
import type { Change, Edit, Verdict } from '@kube-rescue/workflow';
import { X509Certificate } from 'node:crypto';
import { planFileChange } from '../renewal/file-target.ts';
import type { RotationHost, RotationState } from './rotation-state.ts';
import type { TrustEdit } from './trust-exchange.ts';

/** Everybody may read a certificate. */
export const CERTIFICATE_MODE = 0o644;

/** The changes that edits of files are. */
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

/** What OpenSSL says of a new authority. */
export function vouch(der: Uint8Array, what: string): Verdict {
  // OpenSSL's own opinion of the bytes on the disk.
  const x509 = new X509Certificate(der);
  if (!x509.ca || !x509.verify(x509.publicKey)) {
    return { verified: false, reason: 'the certificate of the new CA does not vouch for itself' };
  }
  return { verified: true, evidence: [`${what} serial ${x509.serialNumber}, valid until ${x509.validTo}`] };
}

export function refuse(reason: string, { files }: RotationState): Verdict {
  return { verified: false, reason: `${files.certificate}: ${reason}`, hint: 'look at the file, then run it again' };
}
