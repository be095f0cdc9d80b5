import { type ComponentFlags, readNamedFile } from '@kube-rescue/node-config';
import type { Host, HostPath } from '@kube-rescue/host';
import { parsePrivateKey, readPem } from '@kube-rescue/x509';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { PkiError } from '../errors.ts';
import { tokenAlgorithm, tokenKeyId } from './service-account-token.ts';
import { findTokenKeyFiles, type TokenKeyFiles } from './token-key-files.ts';

/**
 * The stage of a rotation, as the files show it. `settled`: one key, no rotation under way. `publish`: both keys verify, the old one
 * signs. `sign`: both keys verify, the new one signs.
 */
export type TokenKeyStage = 'settled' | 'publish' | 'sign';

/** A public key that verifies tokens, with its PEM block as written. */
export interface VerifyingKey {
  readonly keyId: string;
  readonly key: KeyObject;
  readonly pem: string;
}

/** A private key of this node. */
interface SigningKey {
  readonly keyId: string;
  readonly key: KeyObject;
}

export interface TokenKeyState {
  readonly stage: TokenKeyStage;
  readonly files: TokenKeyFiles;
  /** Every key in the file of the API server, in its order. */
  readonly verifying: readonly VerifyingKey[];
  /** The key that signs. */
  readonly current: SigningKey;
  /** The new key: verifies, with its private half on this node, does not sign yet. */
  readonly next: SigningKey | undefined;
  /** Keys that sign no more and still verify. */
  readonly former: readonly VerifyingKey[];
}

export type TokenKeyHost = Pick<Host, 'readFile' | 'readLink' | 'stat'>;

/**
 * Reads the stage of the rotation of the key of service account tokens. Reads only.
 *
 * @throws PkiError as `findTokenKeyFiles`; `PKI_KEY_MISSING` `PKI_KEY_MISMATCH` `PKI_KEY_UNSUPPORTED`, and those of a file that cannot
 * be read
 */
export async function inspectTokenKeys(
  components: readonly ComponentFlags[],
  { host }: { readonly host: TokenKeyHost },
): Promise<TokenKeyState> {
  const files = findTokenKeyFiles(components);
  const current = await readSigningKey(files.signing, host);
  const text = await readNamedFile(host, files.verifying, 'PKI_KEY_MISSING');
  const verifying = readVerifyingKeys(text, files.verifying);
  const others = verifying.filter(({ keyId }) => keyId !== current.keyId);
  if (others.length === verifying.length) throw mismatch(files);
  const isNextThere = (await host.stat(files.next)) !== undefined;
  const found = isNextThere ? await readSigningKey(files.next, host) : undefined;
  const next = others.some(({ keyId }) => keyId === found?.keyId) ? found : undefined;
  const former = others.filter(({ keyId }) => keyId !== next?.keyId);
  const stage = next !== undefined ? 'publish' : former.length > 0 ? 'sign' : 'settled';
  return { stage, files, verifying, current, next, former };
}

async function readSigningKey(path: HostPath, host: TokenKeyHost): Promise<SigningKey> {
  const { key } = parsePrivateKey(await readNamedFile(host, path, 'PKI_KEY_MISSING'), path);
  if (tokenAlgorithm(key) === undefined) throw unsupported(path, 'its private key is neither RSA nor ECDSA');
  return { key, keyId: tokenKeyId(key) };
}

/** Public keys, the public halves of private keys, and those of certificates: client-go `util/keyutil/key.go` ParsePublicKeysPEM. */
function readVerifyingKeys(text: string, path: HostPath): readonly VerifyingKey[] {
  return readPem(text, path).map(({ label, start, end }) => {
    const pem = text.slice(start, end);
    try {
      const key = label.endsWith('PRIVATE KEY') ? createPublicKey(createPrivateKey(pem)) : createPublicKey(pem);
      return { key, keyId: tokenKeyId(key), pem: `${pem.trim()}\n` };
    } catch {
      // Go passes over such a block; a rotation would remove it without knowing what it is.
      throw unsupported(path, `it holds a ${label} that cannot be read`);
    }
  });
}

function unsupported(path: HostPath, reason: string): PkiError {
  return new PkiError({
    code: 'PKI_KEY_UNSUPPORTED',
    message: `the key of service account tokens: ${reason}`,
    subject: path,
    hint: 'correct the file, then run the stage again',
  });
}

function mismatch({ verifying, signing }: TokenKeyFiles): PkiError {
  return new PkiError({
    code: 'PKI_KEY_MISMATCH',
    message: `the API server refuses the tokens that it signs: ${verifying} does not hold the public half of ${signing}`,
    subject: verifying,
    hint: `restore the pair from a backup, or add the public half: openssl pkey -in ${signing} -pubout >>${verifying}`,
  });
}
