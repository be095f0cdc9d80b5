import { describeError, formatTime, isRecoveryError } from '@kube-rescue/errors';
import type { Host, HostPath } from '@kube-rescue/host';
import { createPrivateKey } from 'node:crypto';
import type { EtcdErrorCode } from '../errors.ts';
import type { Found, PairPaths } from './etcd-sources.ts';
import { readCertificates } from '@kube-rescue/x509';

/** A client certificate and key to try. */
export interface ClientCredentials extends Found<PairPaths> {
  readonly certificate: string;
  readonly key: string;
}

/** Why a file was not tried. */
export interface RuledOut {
  readonly code: EtcdErrorCode;
  readonly message: string;
}

type Files = Pick<Host, 'readFile'>;

/** id-kp-clientAuth and anyExtendedKeyUsage: RFC 5280, section 4.2.1.12. */
const CLIENT_AUTH = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];

/** Reads a pair and checks it without etcd: present, readable, matching key, dates, usage. */
export async function readClientCredentials(
  found: Found<PairPaths>,
  { host, now }: { readonly host: Files; readonly now: Date },
): Promise<ClientCredentials | RuledOut> {
  const { certificate: certificatePath, key: keyPath } = found.value;
  const [certificate, key] = await Promise.all([readText(certificatePath, host), readText(keyPath, host)]);
  if (typeof certificate !== 'string') return certificate;
  if (typeof key !== 'string') return key;
  const [leaf] = readCertificates(certificate);
  if (leaf === undefined) return ruledOut(`${certificatePath} contains no certificate`);
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(key))) return ruledOut(`${keyPath} does not match the certificate`);
  } catch {
    return ruledOut(`${keyPath} contains no readable private key`);
  }
  const { validFromDate, validToDate } = leaf;
  if (validToDate < now) return rejected(`${certificatePath} expired on ${formatTime(validToDate)}`);
  if (validFromDate > now) return rejected(`${certificatePath} is not valid before ${formatTime(validFromDate)}`);
  const uses = leaf.keyUsage as readonly string[] | undefined;
  if (uses !== undefined && uses.length > 0 && !uses.some((use) => CLIENT_AUTH.includes(use))) {
    return rejected(`${certificatePath} lacks client authentication in its extended key usage`);
  }
  return { ...found, certificate, key };
}

/** The text of a PEM file. */
export async function readText(path: HostPath, host: Files): Promise<string | RuledOut> {
  try {
    const bytes = await host.readFile(path);
    return bytes === undefined ? ruledOut(`${path} not found`) : new TextDecoder().decode(bytes);
  } catch (error) {
    if (isRecoveryError(error)) return ruledOut(`${path}: ${describeError(error)}`);
    throw error;
  }
}

function ruledOut(message: string): RuledOut {
  return { code: 'ETCD_CREDENTIALS_INVALID', message };
}

function rejected(message: string): RuledOut {
  return { code: 'ETCD_CLIENT_REJECTED', message };
}
