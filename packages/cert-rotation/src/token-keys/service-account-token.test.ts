import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  findTokens,
  isTokenOf,
  readToken,
  signTokenAgain,
  tokenAlgorithm,
  tokenKeyId,
} from './service-account-token.ts';
import { makeToken } from './tokens.fixture.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const curve = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
const KEYS: readonly (readonly [string, KeyObject])[] = [
  ['RS256', rsa],
  ['ES256', curve('prime256v1')],
  ['ES384', curve('secp384r1')],
  ['ES512', curve('secp521r1')],
];

describe('the ID of a key of tokens', () => {
  it('is the digest of the public key that openssl writes, for both halves', () => {
    const input = rsa.export({ format: 'pem', type: 'pkcs8' });
    const der = execFileSync('openssl', ['pkey', '-pubout', '-outform', 'der'], { input, stdio: 'pipe' });
    const digest = execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: der });
    expect(tokenKeyId(rsa)).toBe(digest.toString('base64url'));
    expect(tokenKeyId(createPublicKey(rsa))).toBe(tokenKeyId(rsa));
  });
});

describe('a service account token', () => {
  it.each(KEYS)('is verified by its key alone, whatever its header says (%s)', (algorithm, key) => {
    const text = makeToken(key, { sub: 'system:serviceaccount:default:web', exp: 1_800_000_000 });
    const token = readToken(`${text}\n`);
    expect(token).toMatchObject({ algorithm, keyId: tokenKeyId(key), expiresAt: new Date(1_800_000_000_000) });
    if (token === undefined) throw new Error('no token');
    expect(isTokenOf(token, key)).toBe(true);
    expect(isTokenOf(token, createPublicKey(key))).toBe(true);
    const impostor = algorithm === 'RS256' ? otherRsa : curve('prime256v1');
    expect(isTokenOf(token, impostor)).toBe(false);
    // The key ID of another key does not make it a token of that key.
    const forged = readToken(makeToken(key, {}, tokenKeyId(impostor)));
    expect(forged && [isTokenOf(forged, key), isTokenOf(forged, impostor)]).toEqual([true, false]);
  });

  it('without a key ID, as before Kubernetes 1.16, is verified too', () => {
    const token = readToken(makeToken(rsa, {}, null));
    expect(token?.keyId).toBeUndefined();
    expect(token && isTokenOf(token, rsa)).toBe(true);
  });

  it.each(['', 'a.b', 'eyJhbGciOiJub25lIn0', 'eyJ.eyJ.x', '....', 'words'])('is not read from %j', (text) => {
    expect(readToken(text)).toBeUndefined();
  });

  it('is of no key when its signature, its claims or its algorithm were changed', () => {
    const [header = '', claims = '', signature = ''] = makeToken(rsa, { sub: 'a' }).split('.');
    const other = Buffer.from(JSON.stringify({ sub: 'b' })).toString('base64url');
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    for (const text of [
      `${header}.${other}.${signature}`,
      `${none}.${claims}.${signature}`,
      `${header}.${claims}.AAAA`,
    ]) {
      const token = readToken(text);
      expect(token && isTokenOf(token, rsa)).toBe(false);
    }
  });

  it.each(KEYS)('is signed again with the same claims (%s)', (algorithm, key) => {
    const text = makeToken(otherRsa, { iss: 'kubernetes/serviceaccount', sub: 'x' });
    const again = readToken(signTokenAgain({ text }, key));
    expect(again).toMatchObject({ algorithm, keyId: tokenKeyId(key) });
    expect(again?.text.split('.')[1]).toBe(text.split('.')[1]);
    expect(again && [isTokenOf(again, key), isTokenOf(again, otherRsa)]).toEqual([true, false]);
  });

  it('is found within a kubeconfig', () => {
    const text = makeToken(rsa, { sub: 'x' });
    expect(findTokens(`users:\n- user: {token: "${text}"}\n`).map((each) => each.text)).toEqual([text]);
  });
});

it('no token is signed with a key that Kubernetes signs with none', () => {
  expect(tokenAlgorithm(generateKeyPairSync('ed25519').privateKey)).toBeUndefined();
  expect(tokenAlgorithm(curve('secp256k1'))).toBeUndefined();
});
