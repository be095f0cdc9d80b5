import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** Supported algorithms of new keys: kubeadm's (`ClusterConfiguration.encryptionAlgorithm`), and P-384. */
export const NEW_KEY_ALGORITHMS = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ecdsa-p256', 'ecdsa-p384'] as const;

export type NewKeyAlgorithm = (typeof NEW_KEY_ALGORITHMS)[number];

const CURVES: Readonly<Record<string, string>> = { p256: 'prime256v1', p384: 'secp384r1' };

/** A new private key of this algorithm. RSA takes from 40 ms to a second, by its size. */
export async function generateKey(algorithm: NewKeyAlgorithm): Promise<KeyObject> {
  const [family, size = ''] = algorithm.split('-');
  const generate = promisify(generateKeyPair);
  const { privateKey } =
    family === 'rsa'
      ? await generate('rsa', { modulusLength: Number(size) })
      : await generate('ec', { namedCurve: CURVES[size] ?? size });
  return privateKey;
}
