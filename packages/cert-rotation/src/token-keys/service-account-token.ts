import { type Fields, isRecord, textAt } from '@kube-rescue/cluster-objects';
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** A service account token that was read, without a judgement. The text is a secret. */
export interface ServiceAccountToken {
  readonly text: string;
  /** `kid`: the ID of the key that signed it. Tokens of before Kubernetes 1.16 have none. */
  readonly keyId: string | undefined;
  readonly algorithm: string;
  readonly claims: Fields;
  /** `undefined`: it does not expire, as the token of a Secret. */
  readonly expiresAt: Date | undefined;
}

/** Digests of the algorithms with which Kubernetes signs (`pkg/serviceaccount/jwt.go` algorithmFromPublicKey and its signers). */
const DIGESTS: Readonly<Record<string, string>> = {
  RS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};
const CURVE_ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};
/** The forms of JWS (RFC 7515): base64url of a JSON object begins with `eyJ`. */
const TOKEN = /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g;
const MOST_TOKENS = 100;

/**
 * The `kid` of a public or private key: the unpadded base64url of SHA-256 over its SubjectPublicKeyInfo (Kubernetes
 * `pkg/serviceaccount/jwt.go` keyIDFromPublicKey). Public: it is in every token and in `/openid/v1/jwks`.
 */
export function tokenKeyId(key: KeyObject): string {
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('base64url');
}

/** The algorithm with which Kubernetes signs tokens by this key; `undefined` when it signs with no such key. */
export function tokenAlgorithm(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  return key.asymmetricKeyType === 'ec' ? CURVE_ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? ''] : undefined;
}

/** Reads a token; `undefined` when the text is no token. Verifies nothing. */
export function readToken(text: string): ServiceAccountToken | undefined {
  const [header, payload, signature, more] = text.trim().split('.');
  if (header === undefined || payload === undefined || signature === undefined || more !== undefined) return undefined;
  const head = parseObject(header);
  const claims = parseObject(payload);
  const algorithm = textAt(head, 'alg');
  if (claims === undefined || algorithm === undefined) return undefined;
  const seconds = claims['exp'];
  const expiresAt = typeof seconds === 'number' ? new Date(seconds * 1000) : undefined;
  return { text: text.trim(), keyId: textAt(head, 'kid'), algorithm, claims, expiresAt };
}

/** The tokens within a text: a value of a Secret, a kubeconfig. Bounded: a text with more is reported by its first ones. */
export function findTokens(text: string): readonly ServiceAccountToken[] {
  return (text.match(TOKEN) ?? []).slice(0, MOST_TOKENS).flatMap((each) => readToken(each) ?? []);
}

/** Whether the key signed the token, by its signature, whatever its `kid` says. A date or an audience is not judged. */
export function isTokenOf(token: Pick<ServiceAccountToken, 'text' | 'algorithm'>, key: KeyObject): boolean {
  const digest = DIGESTS[token.algorithm];
  if (digest === undefined || tokenAlgorithm(key) !== token.algorithm) return false;
  const end = token.text.lastIndexOf('.');
  const signature = Buffer.from(token.text.slice(end + 1), 'base64url');
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  return verify(
    digest,
    Buffer.from(token.text.slice(0, end)),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    signature,
  );
}

/**
 * The same claims, byte for byte, signed by another key: what kube-controller-manager would write, which signs only the token of a
 * Secret that has none (Kubernetes `pkg/controller/serviceaccount/tokens_controller.go` secretUpdateNeeded).
 *
 * @returns a secret
 */
export function signTokenAgain({ text }: Pick<ServiceAccountToken, 'text'>, key: KeyObject): string {
  const algorithm = tokenAlgorithm(key);
  if (algorithm === undefined) throw new Error('Kubernetes signs no token with such a key');
  const header = Buffer.from(JSON.stringify({ alg: algorithm, kid: tokenKeyId(key) })).toString('base64url');
  const signed = `${header}.${text.split('.')[1] ?? ''}`;
  const signature = sign(DIGESTS[algorithm], Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function parseObject(part: string): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
