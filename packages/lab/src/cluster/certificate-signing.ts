import { type HostPath, joinPath } from '@kube-rescue/host';
import { randomBytes } from 'node:crypto';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { LabError } from '../errors.ts';
import type { KeyAlgorithm } from '../kubernetes/kubeadm-config.ts';
import { readNodeText } from './node-text.ts';

/** The validity of a certificate. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The CA's files on the machine. */
export interface Issuer {
  readonly certificate: HostPath;
  readonly key: HostPath;
}

interface SigningInput {
  readonly validity: Validity;
  /** Holds openssl's temporary files; they are removed afterwards. */
  readonly workDirectory: HostPath;
}

export interface ResignInput extends SigningInput {
  /** The certificate to re-sign and its key, PEM. Subject, SANs and usages are kept. */
  readonly certificate: string;
  readonly key: string;
  /** `self` for the certificate of a CA. */
  readonly issuer: Issuer | 'self';
}

export interface IssueInput extends SigningInput {
  /** As openssl takes it: `/O=system:nodes/CN=system:node:cp1`. */
  readonly subject: string;
  /** Algorithm of the new key: RSA-2048 or ECDSA P-256. */
  readonly keyAlgorithm: KeyAlgorithm;
  /** As openssl's `-addext` takes them: `extendedKeyUsage=clientAuth`. */
  readonly extensions: readonly string[];
  /** `self` for the certificate of a CA. */
  readonly issuer: Issuer | 'self';
}

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

const LEAF_KEY_USAGE = 'keyUsage=critical,digitalSignature,keyEncipherment';

/** The extensions of a leaf certificate for `usages`, as {@link IssueInput} takes them. */
export function leafExtensions(usages: readonly ('clientAuth' | 'serverAuth')[], names: readonly string[] = []) {
  const alternatives = names.length === 0 ? [] : [`subjectAltName=${names.join(',')}`];
  return [LEAF_KEY_USAGE, `extendedKeyUsage=${usages.join(',')}`, ...alternatives];
}

/** The extensions of a CA that signs leaves only. */
export const CA_EXTENSIONS: readonly string[] = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign',
];

/**
 * Re-signs a certificate with another validity and a new serial number. Uses only the openssl binary.
 *
 * @returns PEM
 */
export async function resignCertificate(input: ResignInput, deps: LabDeps): Promise<string> {
  return inWorkDirectory(input.workDirectory, deps, async (at) => {
    const { host } = deps;
    await host.writeFile(at('old.crt'), Buffer.from(input.certificate), { mode: 0o600 });
    await host.writeFile(at('subject.key'), Buffer.from(input.key), { mode: 0o600 });
    await openssl(deps, [
      ...['x509', '-x509toreq', '-copy_extensions', 'copyall', '-in', at('old.crt')],
      ...['-signkey', at('subject.key'), '-out', at('request.csr')],
    ]);
    await signRequest(input, at, deps);
    await assertSameIdentity(at('old.crt'), at('new.crt'), deps);
    return readNodeText(at('new.crt'), deps);
  });
}

/** Issues a certificate with a new key. Uses only the openssl binary. */
export async function issueCertificate(input: IssueInput, deps: LabDeps): Promise<KeyPair> {
  return inWorkDirectory(input.workDirectory, deps, async (at) => {
    const { stdout: key } = await runCommand(deps, ['openssl', ...KEY_COMMANDS[input.keyAlgorithm]]);
    await deps.host.writeFile(at('subject.key'), Buffer.from(key), { mode: 0o600 });
    await openssl(deps, [
      ...['req', '-new', '-key', at('subject.key'), '-subj', input.subject, '-out', at('request.csr')],
      ...input.extensions.flatMap((extension) => ['-addext', extension]),
    ]);
    await signRequest(input, at, deps);
    return { certificate: await readNodeText(at('new.crt'), deps), key };
  });
}

const KEY_COMMANDS: Readonly<Record<KeyAlgorithm, readonly string[]>> = {
  RSA: ['genrsa', '-traditional', '2048'],
  ECDSA: ['ecparam', '-name', 'prime256v1', '-genkey', '-noout'],
};

type WorkFile = (name: string) => HostPath;

async function inWorkDirectory<T>(parent: HostPath, deps: LabDeps, work: (at: WorkFile) => Promise<T>): Promise<T> {
  const directory = joinPath(parent, `signing-${randomBytes(6).toString('hex')}`);
  await deps.host.makeDirectory(directory, { mode: 0o700 });
  try {
    return await work((name) => joinPath(directory, name));
  } finally {
    await runCommand({ host: deps.host }, ['rm', '-rf', directory]);
  }
}

/** Signs `request.csr` and writes `new.crt`. */
async function signRequest(
  { issuer, validity }: Pick<ResignInput, 'issuer' | 'validity'>,
  at: WorkFile,
  deps: LabDeps,
): Promise<void> {
  const config = renderSigningConfig(at('.'), issuer === 'self' ? 'ca' : 'leaf');
  await deps.host.makeDirectory(at('issued'), { mode: 0o700 });
  await deps.host.writeFile(at('index'), Buffer.alloc(0), { mode: 0o600 });
  await deps.host.writeFile(at('signing.conf'), Buffer.from(config), { mode: 0o600 });
  const signer =
    issuer === 'self'
      ? ['-selfsign', '-keyfile', at('subject.key')]
      : ['-cert', issuer.certificate, '-keyfile', issuer.key];
  await openssl(deps, [
    ...['ca', '-batch', '-notext', '-preserveDN', '-config', at('signing.conf'), ...signer],
    ...['-startdate', opensslDate(validity.notBefore), '-enddate', opensslDate(validity.notAfter)],
    ...['-in', at('request.csr'), '-out', at('new.crt')],
  ]);
}

async function openssl(deps: LabDeps, args: readonly string[]): Promise<void> {
  await runCommand(deps, ['openssl', ...args]);
}

/**
 * openssl silently drops attributes that its configuration does not list; the cluster would then fail for another reason.
 */
async function assertSameIdentity(before: HostPath, after: HostPath, deps: LabDeps): Promise<void> {
  const [old, resigned] = await Promise.all([before, after].map((file) => identityOf(file, deps)));
  if (old === resigned) return;
  throw new LabError({
    code: 'LAB_COMMAND_FAILED',
    message: `openssl changed the identity of the certificate: ${resigned}`,
    subject: old,
    hint: 'add the missing attribute to the signing configuration of the lab',
  });
}

async function identityOf(file: HostPath, deps: LabDeps): Promise<string> {
  const extensions = 'subjectAltName,keyUsage,extendedKeyUsage,basicConstraints';
  const argv = [
    'openssl',
    'x509',
    '-noout',
    '-subject',
    '-nameopt',
    'RFC2253',
    '-ext',
    extensions,
    '-in',
    file,
  ] as const;
  return (await runCommand(deps, argv)).stdout.replaceAll(/\s+/g, ' ').trim();
}

/** A configuration of `openssl ca` that copies everything from the request, the encoding of the subject included. */
function renderSigningConfig(directory: HostPath, kind: 'ca' | 'leaf'): string {
  // As kubeadm does: a CA has a subject key id, a leaf an authority key id.
  const [subject, ca] = kind === 'ca' ? ['hash', 'none'] : ['none', 'keyid'];
  return `[ca]
default_ca = lab
[lab]
database = ${directory}/index
new_certs_dir = ${directory}/issued
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
copy_extensions = copyall
x509_extensions = identifier
[any]
commonName = optional
organizationName = optional
organizationalUnitName = optional
[identifier]
subjectKeyIdentifier = ${subject}
authorityKeyIdentifier = ${ca}
`;
}

/** Formats a date for `openssl ca`: YYYYMMDDHHMMSSZ. */
export function opensslDate(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}
