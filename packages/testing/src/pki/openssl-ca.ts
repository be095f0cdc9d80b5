import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The fields of a certificate. */
export interface CertificateRequest {
  /** In OpenSSL's syntax: `/O=system:masters/CN=kubernetes-admin`. */
  readonly subject: string;
  /** Lines of an OpenSSL extension section. */
  readonly extensions: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** PEM private key of the certificate. */
  readonly key: string;
  /** The issuing CA. Default: self-signed. */
  readonly issuer?: { readonly certificate: string; readonly key: string } | undefined;
  /** Of the signature. Default: `sha256`. */
  readonly digest?: 'sha256' | 'sha384' | undefined;
  /** The serial number is 0, as of the CAs of older releases of kubeadm. Default: false, a random one. */
  readonly isSerialZero?: boolean | undefined;
}

// PrintableString where it will do, as Go's x509 writes names; `preserve` keeps their order.
const CONFIG = `
[req]
distinguished_name = name
string_mask = nombstr
[name]
[ca]
default_ca = issue
[issue]
database = index.txt
new_certs_dir = .
default_md = sha256
rand_serial = yes
policy = any
preserve = yes
unique_subject = no
string_mask = nombstr
[any]
organizationName = optional
commonName = supplied
`;

/**
 * Issues one certificate with the `openssl` program, independent of our own code.
 *
 * @returns PEM
 */
export async function issueCertificate(request: CertificateRequest): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-pki-'));
  try {
    await writeInputs(directory, request);
    const options = { cwd: directory };
    const csr = ['req', '-new', '-config', 'config', '-key', 'key', '-subj', request.subject, '-out', 'csr'];
    await run('openssl', csr, options);
    await run('openssl', signArguments(request), options);
    return await readFile(path.join(directory, 'crt'), 'utf8');
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function writeInputs(
  directory: string,
  { extensions, key, issuer, isSerialZero = false }: CertificateRequest,
): Promise<void> {
  const inputs: Readonly<Record<string, string>> = {
    config: isSerialZero ? CONFIG.replace('rand_serial = yes', 'serial = serial') : CONFIG,
    serial: '00\n',
    extensions: `${extensions.join('\n')}\n`,
    'index.txt': '',
    key,
    'issuer.key': issuer?.key ?? key,
    ...(issuer === undefined ? {} : { 'issuer.crt': issuer.certificate }),
  };
  await Promise.all(Object.entries(inputs).map(([name, text]) => writeFile(path.join(directory, name), text)));
}

// `openssl ca`, because the other commands of OpenSSL 3.0 cannot set the date a certificate begins.
function signArguments({ issuer, notBefore, notAfter, digest = 'sha256' }: CertificateRequest): string[] {
  const signer = issuer === undefined ? ['-selfsign'] : ['-cert', 'issuer.crt'];
  const dates = ['-startdate', openSslTime(notBefore), '-enddate', openSslTime(notAfter)];
  const files = ['-keyfile', 'issuer.key', '-extfile', 'extensions', '-in', 'csr', '-out', 'crt'];
  return ['ca', '-batch', '-notext', '-config', 'config', '-md', digest, ...signer, ...dates, ...files];
}

/** `YYYYMMDDHHMMSSZ` */
function openSslTime(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
}
