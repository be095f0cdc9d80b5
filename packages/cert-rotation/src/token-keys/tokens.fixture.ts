import { type KeyObject, sign } from 'node:crypto';
import { tokenAlgorithm, tokenKeyId } from './service-account-token.ts';

/** A token as a client of jose makes it, apart from the code under test but for the names. `null`: no key ID. */
export function makeToken(key: KeyObject, claims: object, keyId: string | null = tokenKeyId(key)): string {
  const algorithm = tokenAlgorithm(key) ?? '';
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: algorithm, ...(keyId === null ? {} : { kid: keyId }) })}.${part(claims)}`;
  const digest = { ES384: 'sha384', ES512: 'sha512' }[algorithm] ?? 'sha256';
  const signature = sign(digest, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
