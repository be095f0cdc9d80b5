import { randomBytes } from 'node:crypto';
import { type HostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from './command.ts';
import type { LabDeps } from './deps.ts';
import { LabError } from './errors.ts';

/** From when to when a certificate holds. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface ResignInput {
  /** PEM of the certificate to be signed again, and of its key. Subject, SANs and usages are kept. */
  readonly certificate: string;
  readonly key: string;
  /** The CA's files on the machine; for a CA's own certificate, its own. */
  readonly issuer: { readonly certificate: HostPath; readonly key: HostPath };
  readonly validity: Validity;
  readonly kind: 'ca' | 'leaf';
  /** For the files that openssl works on; they are removed again. */
  readonly workFolder: HostPath;
}

/**
 * Signs a certificate again with another validity and a new serial number, with the openssl binary alone.
 *
 * @returns PEM
 */
export async function resignCertificate(input: ResignInput, deps: LabDeps): Promise<string> {
  const { host } = deps;
  const folder = joinPath(input.workFolder, randomBytes(6).toString('hex'));
  const at = (name: string): HostPath => joinPath(folder, name);
  await host.makeDirectory(joinPath(folder, 'issued'), { mode: 0o700 });
  try {
    await host.writeFile(at('old.crt'), Buffer.from(input.certificate), { mode: 0o600 });
    await host.writeFile(at('old.key'), Buffer.from(input.key), { mode: 0o600 });
    await host.writeFile(at('index'), Buffer.alloc(0), { mode: 0o600 });
    await host.writeFile(at('signing.conf'), Buffer.from(renderSigningConfig(folder, input.kind)), { mode: 0o600 });
    await runCommand(deps, [
      ...['openssl', 'x509', '-x509toreq', '-copy_extensions', 'copyall'],
      ...['-in', at('old.crt'), '-signkey', at('old.key'), '-out', at('request.csr')],
    ] as ['openssl', ...string[]]);
    const issuer =
      input.kind === 'ca'
        ? ['-selfsign', '-keyfile', at('old.key')]
        : ['-cert', input.issuer.certificate, '-keyfile', input.issuer.key];
    await runCommand(deps, [
      ...['openssl', 'ca', '-batch', '-notext', '-preserveDN', '-config', at('signing.conf'), ...issuer],
      ...['-startdate', opensslDate(input.validity.notBefore), '-enddate', opensslDate(input.validity.notAfter)],
      ...['-in', at('request.csr'), '-out', at('new.crt')],
    ] as ['openssl', ...string[]]);
    await assertSameIdentity(at('old.crt'), at('new.crt'), deps);
    return Buffer.from((await host.readFile(at('new.crt'))) ?? []).toString('utf8');
  } finally {
    await runCommand({ host }, ['rm', '-rf', folder]);
  }
}

/** openssl drops what its configuration does not provide for, without a word; a cluster would die of the wrong thing. */
async function assertSameIdentity(before: HostPath, after: HostPath, deps: LabDeps): Promise<void> {
  const [old, resigned] = await Promise.all([before, after].map((file) => identityOf(file, deps)));
  if (old === resigned) return;
  throw new LabError({
    code: 'LAB_COMMAND_FAILED',
    message: `openssl made another certificate of it: ${resigned}`,
    subject: old,
    hint: 'the signing configuration of the lab does not know an attribute of this subject',
  });
}

async function identityOf(file: HostPath, deps: LabDeps): Promise<string> {
  const extensions = 'subjectAltName,keyUsage,extendedKeyUsage,basicConstraints';
  const argv = ['openssl', 'x509', '-noout', '-subject', '-nameopt', 'RFC2253', '-ext', extensions, '-in', file] as const;
  return (await runCommand(deps, argv)).stdout.replaceAll(/\s+/g, ' ').trim();
}

/** The configuration of `openssl ca` that takes everything from the request, and its subject as it is encoded there. */
export function renderSigningConfig(folder: HostPath, kind: ResignInput['kind']): string {
  // As kubeadm does it: a CA has the one, a leaf the other.
  const [subject, authority] = kind === 'ca' ? ['hash', 'none'] : ['none', 'keyid'];
  return `[ca]
default_ca = lab
[lab]
database = ${folder}/index
new_certs_dir = ${folder}/issued
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
authorityKeyIdentifier = ${authority}
`;
}

/** A date as `openssl ca` takes it: YYYYMMDDHHMMSSZ. */
export function opensslDate(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}
