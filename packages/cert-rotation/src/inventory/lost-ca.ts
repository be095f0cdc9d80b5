import type { KeyObject } from 'node:crypto';
import type { FileReader } from '@kube-rescue/node-config';
import type { RecoveryError } from '@kube-rescue/errors';
import type { HostPath } from '@kube-rescue/host';
import {
  type Certificate,
  claimsToBeCa,
  findCertificateLoss,
  isKeyOf,
  isSelfSigned,
  namesIssuer,
  parseCertificate,
  readPem,
} from '@kube-rescue/x509';
import { PkiError } from '../errors.ts';
import { detectFormat, readTrustTexts } from '../renewal/trust-format.ts';
import { describeLoss, type Loss, lossOf } from './loss.ts';
import { attempt } from './reading.ts';
import { flaggedFiles, type FlagSurvey, namedKubeconfigs } from './trusting-files.ts';

/** The key of a CA that is on this node. */
export interface CaKey {
  readonly key: KeyObject;
  readonly keyPath: HostPath;
}

/** A CA certificate for the key of a lost CA, in another file of this node that trusts it. */
export interface CaCopy {
  readonly certificate: Certificate;
  /** Its PEM block, byte for byte. */
  readonly text: string;
  readonly path: HostPath;
  /** Other certificates beside it that the file trusts too. */
  readonly others: number;
}

/** A CA whose certificate was lost with its file. */
export interface LostCa {
  readonly loss: Loss;
  /** `undefined`: no key on this node, or it cannot be read. */
  readonly key: CaKey | undefined;
  /** Those with the latest notAfter first; usually many of one certificate. */
  readonly copies: readonly CaCopy[];
}

/** How the file of a CA was lost; `undefined` when it holds anything whole: what followed that cannot be known. */
function findCaLoss(path: HostPath, reader: FileReader): Promise<Loss | undefined> {
  return lossOf(path, reader, findCertificateLoss);
}

/** A root is signed with its own key; the issuer of any other CA is not at hand. */
function isWholeCa(certificate: Certificate): boolean {
  return claimsToBeCa(certificate) && (isSelfSigned(certificate) || !namesIssuer(certificate, certificate));
}

async function copiesIn(path: HostPath, keys: readonly CaKey[], reader: FileReader): Promise<readonly CaCopy[]> {
  const copies = await attempt(async () => {
    const bytes = await reader.readFile(path);
    const format = bytes === undefined ? undefined : detectFormat(bytes);
    if (bytes === undefined || format === undefined) return [];
    return readTrustTexts(bytes, format, path).flatMap((text) => {
      const blocks = readPem(text, path).filter(({ label }) => label === 'CERTIFICATE');
      return blocks
        .map(({ der, text: pem }) => ({ certificate: parseCertificate(der, path), text: pem }))
        .filter(({ certificate }) => keys.some(({ key }) => isKeyOf(key, certificate)) && isWholeCa(certificate))
        .map((copy) => ({ ...copy, path, others: blocks.length - 1 }));
    });
  });
  // A file that cannot be read has its own entry.
  return copies.ok ? copies.value : [];
}

async function findCopies(keys: readonly CaKey[], survey: FlagSurvey, reader: FileReader): Promise<readonly CaCopy[]> {
  if (keys.length === 0) return [];
  const paths = new Set([...namedKubeconfigs(survey), ...flaggedFiles(survey).map(({ path }) => path)]);
  const copies: CaCopy[] = [];
  for (const path of paths) copies.push(...(await copiesIn(path, keys, reader)));
  return copies.toSorted((a, b) => b.certificate.notAfter.getTime() - a.certificate.notAfter.getTime());
}

/** `undefined` when the certificate of the CA was not lost. */
export async function findLostCa(
  { path, keys }: { readonly path: HostPath; readonly keys: readonly CaKey[] },
  survey: FlagSurvey,
  reader: FileReader,
): Promise<LostCa | undefined> {
  const loss = await findCaLoss(path, reader);
  if (loss === undefined) return undefined;
  const copies = await findCopies(keys, survey, reader);
  const key = keys.find((each) => copies[0] !== undefined && isKeyOf(each.key, copies[0].certificate)) ?? keys[0];
  return { loss, key, copies };
}

const WARNING = '`kubeadm init phase certs` would make another CA, which nothing trusts: do not use it here';

interface NamedCa {
  readonly name: string;
  readonly path: HostPath;
}

/** Why the file of a CA cannot be read, and where its certificate is. */
export function explainLostCa(error: RecoveryError, { name, path }: NamedCa, lost: LostCa | undefined): RecoveryError {
  if (error.code !== 'PKI_CA_MISSING' && error.code !== 'PKI_PEM_INVALID') return error;
  const message = lost === undefined ? error.message : describeLoss(lost.loss);
  return new PkiError({ code: error.code, message, subject: path, hint: hintFor({ name, path }, lost), cause: error });
}

function hintFor(ca: NamedCa, lost: LostCa | undefined): string {
  const byHand = describeCopying(ca, lost?.key);
  const copy = lost?.copies[0];
  if (copy !== undefined)
    return `\`kube-rescue recover\` writes it again from ${copy.path}, which has it for its key; ${WARNING}`;
  if (lost?.key === undefined) return byHand;
  return `\`kube-rescue recover\` issues it again with its key, where a certificate on this node shows its name; or ${byHand}`;
}

/** How a person restores the certificate of a CA. */
export function describeCopying({ name }: Pick<NamedCa, 'name'>, key: CaKey | undefined): string {
  const which = key === undefined ? '' : `, the one for the key ${key.keyPath}`;
  return `copy the certificate of the ${name} from a control-plane node where the file is whole, or from a backup${which}; ${WARNING}`;
}
