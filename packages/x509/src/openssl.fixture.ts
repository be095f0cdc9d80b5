import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A directory to run `openssl` in; removed when the test ends. */
export interface OpenSsl extends Disposable {
  /** Runs `openssl` with arguments that are separated by one space, and returns its output. */
  run(command: string, ...lastArguments: readonly string[]): string;
  write(name: string, text: string): void;
  read(name: string): string;
}

export function openOpenSsl(): OpenSsl {
  const directory = mkdtempSync(path.join(tmpdir(), 'kube-rescue-openssl-'));
  return {
    run: (command, ...last) =>
      execFileSync('openssl', [...command.split(' '), ...last], { cwd: directory, encoding: 'utf8', stdio: 'pipe' }),
    write: (name, text) => writeFileSync(path.join(directory, name), text),
    read: (name) => readFileSync(path.join(directory, name), 'utf8'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

/** Arguments of `openssl genpkey` by the project's algorithm names. */
export const KEY_KINDS = {
  'RSA 2048': '-algorithm RSA -pkeyopt rsa_keygen_bits:2048',
  'RSA 3072': '-algorithm RSA -pkeyopt rsa_keygen_bits:3072',
  'RSA 4096': '-algorithm RSA -pkeyopt rsa_keygen_bits:4096',
  'ECDSA P-256': '-algorithm EC -pkeyopt ec_paramgen_curve:P-256',
  'ECDSA P-384': '-algorithm EC -pkeyopt ec_paramgen_curve:P-384',
  Ed25519: '-algorithm ED25519',
} as const;

export type KeyKind = keyof typeof KEY_KINDS;

/** Writes the files of a CA (`ca.crt`, `ca.key`) and of a leaf that it signed (`old.crt`, `old.key`). */
export function makePair(
  openssl: OpenSsl,
  {
    ca,
    leaf,
    subject,
    extensions,
  }: { readonly ca: KeyKind; readonly leaf: KeyKind; readonly subject: string; readonly extensions: string },
): void {
  openssl.run(`genpkey ${KEY_KINDS[ca]} -out ca.key`);
  openssl.run(`genpkey ${KEY_KINDS[leaf]} -out old.key`);
  const usage = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  openssl.run('req -x509 -new -key ca.key -out ca.crt -days 3650 -utf8 -subj', '/O=Ünïcode/CN=kubernetes', ...usage);
  openssl.run('req -new -key old.key -out old.csr -utf8 -multivalue-rdn -subj', subject);
  openssl.write('extensions', extensions);
  openssl.run('x509 -req -in old.csr -CA ca.crt -CAkey ca.key -days 30 -set_serial 7 -extfile extensions -out old.crt');
}
