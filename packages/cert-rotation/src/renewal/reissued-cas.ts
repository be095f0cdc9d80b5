import { describeError, formatTime } from '@kube-rescue/errors';
import { type HostFiles, type HostPath, joinPath } from '@kube-rescue/host';
import {
  type Certificate,
  claimsToBeCa,
  isKeyOf,
  isSamePublicKey,
  isSameSubject,
  isSelfSigned,
  parseCertificates,
} from '@kube-rescue/x509';
import { PkiError } from '../errors.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import { CA_DEFINITIONS, type CaId } from '../inventory/catalogue.ts';
import type { CertificateInventory } from '../inventory/inventory.ts';
import { describeLoss } from '../inventory/loss.ts';
import { attempt } from '../inventory/reading.ts';
import { signingCertificate } from '../judgement/ca-judgement.ts';

/** A CA certificate that was reissued with the same key, on another node or earlier. */
export interface ReissuedCa {
  readonly certificate: Certificate;
  /** The file that was handed in. */
  readonly path: HostPath;
}

/** Reissued CA certificates by CA; a CA without one stays as it is. */
export type ReissuedCas = ReadonlyMap<CaId, ReissuedCa>;

/** The reissued CA certificates in a directory, not compared with a node yet. */
export interface ReissuedCaSet {
  readonly directory: HostPath;
  readonly cas: ReissuedCas;
  /** Files with the name of a CA that hold no single certificate. */
  readonly damaged: readonly string[];
}

/** A certificate has 2 KB. */
const MAX_BYTES = 64 * 1024;
const HINT =
  'nothing was changed; issue them once, on one control-plane node: `kube-rescue certs reissue-cas --out DIR`, and copy that DIR to each';

/**
 * The file of a reissued CA in its directory: kubeadm's names below `/etc/kubernetes/pki`, so that a copy of that directory of another
 * node serves as well. etcd's CA for peers has a file only where it is another CA than that for clients.
 */
export function reissuedCaFile(id: CaId, directory: HostPath): HostPath {
  const definition = CA_DEFINITIONS.find((ca) => ca.id === id);
  if (definition === undefined) throw new Error(`no CA ${id} in the catalogue`);
  return joinPath(directory, `${id === 'etcd-peer' ? 'etcd/peer-ca' : definition.baseName}.crt`);
}

/**
 * Reads the reissued CA certificates in a directory, by their file names. Reads no other file, and no key. Compares them with no node.
 * @throws PkiError `PKI_SET_UNFIT` when the directory does not exist or holds none
 */
export async function readReissuedCas(
  directory: HostPath,
  files: Pick<HostFiles, 'list' | 'readRange'>,
): Promise<ReissuedCaSet> {
  if ((await files.list(directory)) === undefined) throw unfit(directory, ['the directory does not exist']);
  const cas = new Map<CaId, ReissuedCa>();
  const damaged: string[] = [];
  for (const { id } of CA_DEFINITIONS) {
    const path = reissuedCaFile(id, directory);
    const read = await attempt(() => readOne(path, files));
    if (!read.ok) damaged.push(`${path}: ${describeError(read.error)}`);
    else if (typeof read.value === 'string') damaged.push(`${path} ${read.value}`);
    else if (read.value !== undefined) cas.set(id, { certificate: read.value, path });
  }
  if (cas.size + damaged.length === 0) {
    throw unfit(directory, [`it holds no CA certificate: no ca.crt, no etcd/ca.crt, no front-proxy-ca.crt`]);
  }
  return { directory, cas, damaged };
}

/** The one certificate of a file; why it is not one; `undefined` without a file. */
async function readOne(path: HostPath, files: Pick<HostFiles, 'readRange'>): Promise<Certificate | string | undefined> {
  const bytes = await files.readRange(path, { offset: 0, length: MAX_BYTES });
  if (bytes === undefined) return undefined;
  if (bytes.length === MAX_BYTES) return 'is too large for a certificate';
  const [certificate, ...others] = parseCertificates(Buffer.from(bytes).toString('latin1'), path);
  return others.length === 0 ? certificate : `holds ${others.length + 1} certificates, not one`;
}

/**
 * Makes sure that reissued CA certificates are those of this node's CAs: same key and subject, the key on this node, a CA, signed by
 * itself, valid now, and not ending before the present one. A CA of this node that has expired or was lost must be among them. Pure.
 *
 * Ignores those of CAs that this node does not have. The name of a lost CA is compared later, with the certificates that it signed.
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once
 */
export function assertReissuedCasFit(
  { directory, cas, damaged }: ReissuedCaSet,
  inventory: Pick<CertificateInventory, 'cas'>,
  now: Date,
): void {
  const reasons = inventory.cas.flatMap((ca) => {
    const reissued = cas.get(ca.id);
    return reissued === undefined ? judgeMissing(ca, directory, now) : judgeReissued(reissued, ca, now);
  });
  if (reasons.length + damaged.length > 0) throw unfit(directory, [...damaged, ...reasons]);
}

function judgeMissing(ca: CaEntry, directory: HostPath, now: Date): readonly string[] {
  const path = reissuedCaFile(ca.id, directory);
  const { name } = ca.definition;
  if (ca.lost !== undefined)
    return [`${path} is missing, and of the ${name} of this node ${describeLoss(ca.lost.loss)}`];
  const current = signingCertificate(ca);
  return current !== undefined && now > current.notAfter
    ? [`${path} is missing, and the ${name} expired on ${formatTime(current.notAfter)}`]
    : [];
}

function judgeReissued({ certificate, path }: ReissuedCa, ca: CaEntry, now: Date): readonly string[] {
  const { name } = ca.definition;
  const own = judgeCertificate(certificate, now).map((reason) => `${path} ${reason}`);
  if (ca.lost !== undefined) {
    const { key } = ca.lost;
    if (key === undefined) return [...own, `the key of the ${name} is not on this node, or cannot be read`];
    return isKeyOf(key.key, certificate) ? own : [...own, `${path} is for another key than ${key.keyPath}`];
  }
  const current = signingCertificate(ca);
  if (!ca.issuer.ok || current === undefined) return [...own, ca.issuer.ok ? `no ${name}` : ca.issuer.error.message];
  if (!isSameSubject(certificate, current)) {
    const [theirs, ours] = [certificate, current].map(({ x509 }) => x509.subject.replaceAll('\n', ', '));
    return [`${path} is of another CA: ${theirs}, and the ${name} of this node is ${ours}`];
  }
  if (!isSamePublicKey(certificate, current)) {
    return [`${path} is of another CA: its key is not that of the ${name} of this node, ${ca.issuer.value.keyPath}`];
  }
  if (certificate.notAfter >= current.notAfter) return own;
  const [theirs, ours] = [certificate, current].map(({ notAfter }) => formatTime(notAfter));
  return [...own, `${path} is older than the ${name} of this node: it ends on ${theirs}, the present one on ${ours}`];
}

function judgeCertificate(certificate: Certificate, now: Date): readonly string[] {
  const { notBefore, notAfter } = certificate;
  return [
    ...(claimsToBeCa(certificate) ? [] : ['is not a CA certificate (basicConstraints)']),
    ...(isSelfSigned(certificate) ? [] : ['is not signed by its own key']),
    ...(now < notBefore ? [`is not valid before ${formatTime(notBefore)}`] : []),
    ...(now > notAfter ? [`expired on ${formatTime(notAfter)}`] : []),
  ];
}

function unfit(directory: HostPath, reasons: readonly string[]): PkiError {
  const message = 'the reissued CA certificates do not fit this node';
  return new PkiError({ code: 'PKI_SET_UNFIT', message, reasons, subject: directory, hint: HINT });
}
