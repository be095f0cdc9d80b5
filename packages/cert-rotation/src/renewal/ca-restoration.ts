import { formatTime } from '@kube-rescue/errors';
import type { FileReader } from '@kube-rescue/node-config';
import type { HostFiles, HostPath } from '@kube-rescue/host';
import {
  authorityKeyIdentifier,
  type Certificate,
  claimsToBeCa,
  encodePem,
  findIssuerMismatch,
  isKeyOf,
  isSignedWith,
  issueLostCa,
  planCaValidity,
} from '@kube-rescue/x509';
import { type CaEntry, locateCa } from '../inventory/ca-inventory.ts';
import { type CaId, CERTIFICATES } from '../inventory/catalogue.ts';
import { locateCertificatesDirectory } from '../inventory/certificate-locating.ts';
import { inspectCertificates, type InspectionInput } from '../inventory/inventory.ts';
import { type CaCopy, type CaKey, describeCopying, type LostCa } from '../inventory/lost-ca.ts';
import { describeLoss } from '../inventory/loss.ts';
import { attempt } from '../inventory/reading.ts';
import type { FileFinding } from './file-plan.ts';
import { followLinks } from './file-target.ts';
import type { ReissuedCa } from './reissued-cas.ts';

type RestorationReader = Pick<HostFiles, 'readFile' | 'readLink' | 'stat'>;

/** The lost certificate of a CA, as it is written again. */
export interface CaRestoration {
  /** The bytes of its file. */
  readonly text: string;
  /** Issued again, here from a leaf or elsewhere; otherwise the very certificate. */
  readonly isIssued: boolean;
  /** Continues "the file is empty; ". */
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly warnings: readonly string[];
}

/** Why the certificate is not written again; completes "it cannot be written again: ...". */
export interface Refusal {
  readonly missing: string;
}

interface Leaf {
  readonly certificate: Certificate;
  readonly path: HostPath;
}

export interface RestorationInput {
  readonly ca: CaEntry & { readonly lost: LostCa };
  readonly input: InspectionInput;
  readonly days: number;
  /** Its reissued certificate, handed in. */
  readonly reissued?: ReissuedCa | undefined;
}

/** Whether the certificate of a CA was lost with its file. */
export function isLost(ca: CaEntry): ca is RestorationInput['ca'] {
  return ca.lost !== undefined;
}

/** The certificates of this node that the CA should have signed. */
async function listLeaves({ ca, input }: RestorationInput, reader: FileReader): Promise<readonly Leaf[]> {
  const { components, kubernetesDirectory } = input;
  const directory = input.certificatesDirectory ?? locateCertificatesDirectory(components, kubernetesDirectory);
  const isOfFile = (id: CaId): boolean => id === ca.id || locateCa(id, components, directory) === ca.path;
  const only = CERTIFICATES.flatMap(({ id, ca: of }) => (of !== undefined && isOfFile(of) ? [id] : []));
  const { certificates } = await inspectCertificates({ ...input, only }, { host: reader });
  return certificates.flatMap(({ ca: id, certificate, certificateLocation: { path } }) =>
    id === ca.id && certificate.ok && !claimsToBeCa(certificate.value)
      ? [{ certificate: certificate.value, path }]
      : [],
  );
}

function isIssuerOf(ca: Certificate, { certificate }: Leaf): boolean {
  return findIssuerMismatch(certificate, ca) === undefined;
}

/**
 * Finds the lost certificate of a CA again, never by a guess: the very certificate, where another file of the node trusts one
 * for the key of the CA; otherwise issued again with that key, under the name that a certificate of this node proves by its
 * signature. Reads only.
 *
 * A certificate that is issued again differs from that of other nodes; both have the same key and subject, so both verify the
 * same certificates.
 */
export async function planRestoration(
  input: RestorationInput,
  reader: FileReader,
  now: Date,
): Promise<CaRestoration | Refusal> {
  const { key, copies } = input.ca.lost;
  if (key === undefined) return { missing: 'its key is not on this node, or cannot be read' };
  const leaves = await listLeaves(input, reader);
  const signed = leaves.filter(({ certificate }) => isSignedWith(certificate, key.key));
  if (leaves.length > 0 && signed.length === 0) {
    return {
      missing: `the key ${key.keyPath} has signed no certificate of this node, so it may be that of another CA`,
    };
  }
  if (input.reissued !== undefined) return describeReissued(input.reissued, key, signed);
  const copy = copies.find(({ certificate }) => signed.every((leaf) => isIssuerOf(certificate, leaf)));
  if (copy !== undefined) return describeCopy(copy, key);
  if (copies.length > 0)
    return { missing: `the copies in ${copies[0]?.path} do not fit the certificates of this node` };
  return issueFor(input, { key, signed, now });
}

/** Only for the key on this node, and under the name that its certificates prove. */
function describeReissued(
  { certificate, path }: ReissuedCa,
  { key, keyPath }: CaKey,
  signed: readonly Leaf[],
): CaRestoration | Refusal {
  if (!isKeyOf(key, certificate)) return { missing: `${path} is for another key than ${keyPath}` };
  const other = signed.find((leaf) => !isIssuerOf(certificate, leaf));
  if (other !== undefined) return { missing: `${path} is not the issuer of ${other.path}` };
  return {
    text: encodePem('CERTIFICATE', certificate.der),
    isIssued: true,
    summary: `its certificate is written again, from ${path}`,
    evidence: [
      `its public key is that of ${keyPath}`,
      `serial ${certificate.x509.serialNumber}, valid until ${formatTime(certificate.notAfter)}`,
    ],
    warnings: [],
  };
}

function describeCopy({ certificate, text, path, others }: CaCopy, { keyPath }: CaKey): CaRestoration {
  const more = `${path} trusts ${others} more certificate${others === 1 ? '' : 's'}; the file gets only the one for the key`;
  return {
    text: `${text}\n`,
    isIssued: false,
    summary: `its certificate is written again, from ${path}`,
    evidence: [
      `its public key is that of ${keyPath}`,
      `serial ${certificate.x509.serialNumber}, valid until ${formatTime(certificate.notAfter)}`,
    ],
    warnings: others === 0 ? [] : [more],
  };
}

/** Issues the certificate for a name and a key identifier on which all signed leaves agree. */
async function issueFor(
  { ca, days }: RestorationInput,
  { key, signed, now }: { readonly key: CaKey; readonly signed: readonly Leaf[]; readonly now: Date },
): Promise<CaRestoration | Refusal> {
  const named = signed.filter(({ certificate }) => authorityKeyIdentifier(certificate) !== undefined);
  const leaf = named[0] ?? signed[0];
  if (leaf === undefined) return { missing: 'no certificate of this node shows its name' };
  const late = signed.find(({ certificate }) => now < certificate.notBefore);
  if (late !== undefined) return { missing: `by this machine's clock ${late.path} is not valid yet` };
  const validity = planCaValidity(now, days);
  const { key: privateKey, keyPath: keySource } = key;
  const issued = await attempt(() =>
    issueLostCa({ leaf: leaf.certificate, key: privateKey, keySource, validity, subject: ca.path }),
  );
  if (!issued.ok) return { missing: issued.error.message };
  const other = signed.find((each) => !isIssuerOf(issued.value, each));
  if (other !== undefined) return { missing: `${leaf.path} and ${other.path} name different issuers` };
  return {
    text: encodePem('CERTIFICATE', issued.value.der),
    isIssued: true,
    summary: `no other file of this node has the certificate; it is issued again with the key ${keySource}`,
    evidence: [
      `subject: ${issued.value.x509.subject.replaceAll('\n', ', ')}, the issuer of ${leaf.path}, which this key signed`,
      `valid until ${formatTime(validity.notAfter)}`,
    ],
    warnings: [
      `another control-plane node may have the very certificate of the ${ca.definition.name}: it stays valid too, with the same key and subject`,
    ],
  };
}

/** The finding of a CA whose certificate cannot be written again here. */
export function refuseRestoration(
  { lost, definition, path, bundle }: RestorationInput['ca'],
  { missing }: Refusal,
): FileFinding {
  return {
    status: 'blocked',
    summary: `${definition.name}: ${describeLoss(lost.loss)}; it cannot be written again: ${missing}`,
    evidence: [],
    code: bundle.ok ? 'PKI_CA_MISSING' : bundle.error.code,
    subject: path,
    hint: describeCopying(definition, lost.key),
    changes: [],
  };
}

/** Reads the files of a node as if the lost file of a CA was written again. */
export async function readRestored(
  host: RestorationReader,
  path: HostPath,
  { text }: CaRestoration,
): Promise<RestorationReader> {
  const paths = [path, await followLinks(host, path)];
  const bytes = Buffer.from(text, 'latin1');
  return {
    readFile: async (each) => (paths.includes(each) ? bytes : host.readFile(each)),
    readLink: (each) => host.readLink(each),
    stat: (each) => host.stat(each),
  };
}
