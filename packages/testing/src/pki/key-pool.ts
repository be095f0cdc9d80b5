import { type KeyObject, generateKeyPair, generateKeyPairSync } from 'node:crypto';
import { promisify } from 'node:util';

export type KeyAlgorithm = 'rsa' | 'ecdsa';

const generate = promisify(generateKeyPair);

/** RSA keys take tens of milliseconds each, so every PKI of a process shares these. */
const rsaKeys = new Map<string, Promise<string>>();

/**
 * A private key as kubeadm writes it: RSA-2048 (PKCS#1) or P-256 (SEC 1), in PEM.
 *
 * @param name the same RSA key for the same name, another one for another name; ECDSA keys are always new
 */
export function privateKeyFor(name: string, algorithm: KeyAlgorithm): Promise<string> {
  if (algorithm === 'ecdsa') return Promise.resolve(ecdsaKey());
  const known = rsaKeys.get(name) ?? rsaKey();
  rsaKeys.set(name, known);
  return known;
}

async function rsaKey(): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 });
  return pem(privateKey, 'pkcs1');
}

function ecdsaKey(): string {
  return pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'sec1');
}

function pem(key: KeyObject, type: 'pkcs1' | 'sec1'): string {
  return key.export({ type, format: 'pem' }).toString();
}
