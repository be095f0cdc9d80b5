import { type KeyObject, generateKeyPair, generateKeyPairSync } from 'node:crypto';
import { promisify } from 'node:util';

/** RSA-2048 and P-256. */
export type KeyAlgorithm = 'rsa' | 'ecdsa';
/** The other algorithms that kubeadm offers since 1.36 or earlier. */
type LargerAlgorithm = 'rsa-3072' | 'rsa-4096' | 'ecdsa-p384';

const generate = promisify(generateKeyPair);

/** RSA keys take tens of milliseconds each, so every PKI of a process shares these. */
const rsaKeys = new Map<string, Promise<string>>();

/**
 * A private key as kubeadm writes it: RSA in PKCS#1, ECDSA in SEC 1, in PEM.
 *
 * @param name the same RSA key for the same name, another one for another name; ECDSA keys are always new
 */
export function privateKeyFor(name: string, algorithm: KeyAlgorithm | LargerAlgorithm): Promise<string> {
  if (algorithm === 'ecdsa') return Promise.resolve(ecdsaKey('P-256'));
  if (algorithm === 'ecdsa-p384') return Promise.resolve(ecdsaKey('P-384'));
  const bits = RSA_BITS[algorithm];
  const id = `${bits} ${name}`;
  const known = rsaKeys.get(id) ?? rsaKey(bits);
  rsaKeys.set(id, known);
  return known;
}

const RSA_BITS = { rsa: 2048, 'rsa-3072': 3072, 'rsa-4096': 4096 } as const;

async function rsaKey(modulusLength: number): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength });
  return pem(privateKey, 'pkcs1');
}

function ecdsaKey(namedCurve: string): string {
  return pem(generateKeyPairSync('ec', { namedCurve }).privateKey, 'sec1');
}

function pem(key: KeyObject, type: 'pkcs1' | 'sec1'): string {
  return key.export({ type, format: 'pem' }).toString();
}
