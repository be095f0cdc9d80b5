import { generateKeyPairSync } from 'node:crypto';
import { issueCertificate } from '@kube-rescue/testing';

/** A certificate and its key, both PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly issuer?: Issued | undefined;
  /** Days from `now` to `notBefore` and `notAfter`. Default: -30 and 300. */
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  readonly names?: readonly string[] | undefined;
  readonly usage?: 'serverAuth' | 'clientAuth' | undefined;
  readonly algorithm?: 'rsa' | 'ecdsa' | undefined;
  /** Default: a new one. */
  readonly key?: string | undefined;
  readonly now?: Date | undefined;
  /** Whether it carries key identifiers. Default: true. */
  readonly keyIds?: boolean | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const KEY_IDS = 'subjectKeyIdentifier=hash';
const NO_KEY_IDS = 'subjectKeyIdentifier=none';

/** A CA, made by the `openssl` program. */
export function issueCa(name: string, options: IssueOptions = {}): Promise<Issued> {
  return issue(name, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', KEY_IDS], options);
}

/** A leaf certificate, made by the `openssl` program. */
export function issueLeaf(name: string, options: IssueOptions = {}): Promise<Issued> {
  const names = (options.names ?? []).map((each) => `DNS:${each}`).join(',');
  return issue(
    name,
    [
      'basicConstraints=CA:FALSE',
      `extendedKeyUsage=${options.usage ?? 'serverAuth'}`,
      KEY_IDS,
      ...(names === '' ? [] : [`subjectAltName=${names}`]),
    ],
    options,
  );
}

async function issue(name: string, extensions: readonly string[], options: IssueOptions): Promise<Issued> {
  const { issuer, from = -30, until = 300, now = new Date() } = options;
  const key = options.key ?? newKey(options.algorithm ?? 'ecdsa');
  const notBefore = new Date(now.getTime() + from * DAY_MS);
  const notAfter = new Date(now.getTime() + until * DAY_MS);
  const identified = issuer === undefined ? extensions : [...extensions, 'authorityKeyIdentifier=keyid'];
  const signed =
    options.keyIds === false ? extensions.map((each) => (each === KEY_IDS ? NO_KEY_IDS : each)) : identified;
  const certificate = await issueCertificate({
    subject: `/CN=${name}`,
    extensions: signed,
    notBefore,
    notAfter,
    key,
    issuer,
  });
  return { certificate, key };
}

function newKey(algorithm: 'rsa' | 'ecdsa'): string {
  const { privateKey } =
    algorithm === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
