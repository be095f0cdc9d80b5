import { formatTime } from '@kube-rescue/errors';
import { type HostPath, hostPath } from '@kube-rescue/host';
import type { Change, Verdict } from '@kube-rescue/workflow';
import { type Certificate, findPairFault } from '@kube-rescue/x509';
import { parse } from 'yaml';
import type { CredentialLocation } from '../inventory/certificate-location.ts';
import type { CertificateEntry } from '../inventory/inventory.ts';
import { judgeCertificate } from '../judgement/judgement.ts';
import { joinSubject } from '../judgement/problem.ts';
import { findLackingNames, observe, type RenewalContext } from './renewal-check.ts';

type Files = RenewalContext['host'];

/** The PEM at a location, parsed independently of the writer: as plain YAML, without positions. */
async function readLocation(location: CredentialLocation, files: Files): Promise<Buffer> {
  const bytes = Buffer.from((await files.readFile(location.path)) ?? new Uint8Array());
  if (location.in === 'file') return bytes;
  const { contexts, users, ...config } = parse(bytes.toString()) as KubeconfigShape;
  const user = contexts.find(({ name }) => name === config['current-context'])?.context.user;
  const data = users.find(({ name }) => name === user)?.user[location.field] ?? '';
  return Buffer.from(data, 'base64');
}

interface KubeconfigShape {
  readonly 'current-context': string;
  readonly contexts: readonly { readonly name: string; readonly context: { readonly user: string } }[];
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, string>> }[];
}

/** What OpenSSL rejects about the pair on disk; `undefined` when it accepts the pair. */
async function findFault(
  entry: CertificateEntry,
  issuers: readonly Certificate[],
  now: Date,
  files: Files,
): Promise<string | undefined> {
  const certificate = await readLocation(entry.certificateLocation, files);
  const key = await readLocation(entry.keyLocation, files);
  const fault = findPairFault({ certificate, key }, { issuers, now });
  return fault === undefined ? undefined : FAULTS[fault];
}

const FAULTS = {
  key: 'the key on disk does not belong to the certificate',
  issuer: 'the certificate on disk was not signed by its CA',
  dates: 'the certificate on disk is not valid now',
} as const;

async function findWrongAccess(changes: readonly Change[], files: Files): Promise<string | undefined> {
  for (const { kind, target, mode, uid, gid, after } of changes) {
    if (kind === 'symlink.replace' && (await files.readLink(hostPath(target))) !== after) {
      return `${target} does not point at the new file`;
    }
    if (kind !== 'file.replace') continue;
    const stat = await files.stat(hostPath(target));
    if (stat?.mode !== mode || stat?.uid !== uid || stat?.gid !== gid) return `${target} has another mode or owner`;
  }
  return undefined;
}

async function findRemaining(paths: readonly HostPath[], files: Files): Promise<string | undefined> {
  for (const path of paths) if ((await files.stat(path)) !== undefined) return `${path} is still there`;
  return undefined;
}

function refuse(reason: string): Verdict {
  return { verified: false, reason, hint: 'inspect the file, then run the recovery again' };
}

/**
 * Reads a renewed certificate from disk again, checks it, and verifies it with OpenSSL against the CA on disk. Does not query
 * the component that uses it, because the component must be restarted first.
 *
 * @param changes the written files, for modes and owners; empty when another process wrote the certificate
 */
export async function verifyRenewal(context: RenewalContext, changes: readonly Change[], now: Date): Promise<Verdict> {
  const { inventory, entry } = await observe(context);
  const removed = changes.filter(({ kind }) => kind === 'file.remove').map(({ target }) => hostPath(target));
  if (entry === undefined) {
    const remaining = await findRemaining(removed, context.host);
    return remaining === undefined
      ? { verified: true, evidence: removed.map((path) => `${path} is gone`) }
      : refuse(remaining);
  }
  const problem = judgeCertificate(entry, inventory, { now, expiringWithinDays: 0 })[0];
  if (problem !== undefined) return refuse(joinSubject(problem.subject, problem.message));
  const lacking = findLackingNames(entry, context.options.addNames);
  if (lacking.length > 0) return refuse(`${entry.certificateLocation.path} does not name ${lacking.join(', ')}`);
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  const issuers = ca?.bundle.ok === true ? ca.bundle.value : [];
  const fault =
    (ca === undefined ? undefined : await findFault(entry, issuers, now, context.host)) ??
    (await findWrongAccess(changes, context.host));
  if (fault !== undefined) return refuse(`${entry.certificateLocation.path}: ${fault}`);
  const certificate = entry.certificate.ok ? entry.certificate.value : undefined;
  const serial = certificate?.x509.serialNumber;
  return {
    verified: true,
    evidence: [
      `${entry.certificateLocation.path}: serial ${serial}, valid until ${certificate === undefined ? 'an unknown time' : formatTime(certificate.notAfter)}`,
    ],
  };
}
