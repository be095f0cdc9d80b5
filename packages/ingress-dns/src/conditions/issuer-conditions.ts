import type { PublishedKeys } from '../web-identity/published-keys.ts';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';

/** The API server itself, which AWS does not reach. */
const INSIDE = /^https:\/\/kubernetes\.default(?:\.svc)?(?:[./:]|$)/;
const CLUSTER = 'the API server';

/** Judges the issuer of the token against the one that the API server writes into new tokens. */
export function judgeIssuer(
  ofToken: string | undefined,
  ofCluster: string | undefined,
  isAccepted: boolean,
): JudgedCondition {
  const issuer = ofCluster ?? ofToken;
  if (issuer === undefined) return unknown('issuer', CLUSTER, 'neither a token nor the flags of an API server name it');
  if (INSIDE.test(issuer) || !issuer.startsWith('https://')) {
    const failure = {
      code: 'DNS_ISSUER_WRONG',
      message: `tokens have the issuer ${issuer}, which AWS cannot read`,
      hint: 'give the API server the public issuer first, and keep the old one for the tokens in use: --service-account-issuer=https://ISSUER --service-account-issuer=OLD',
    } as const;
    return broken('issuer', CLUSTER, failure);
  }
  if (ofToken !== undefined && ofCluster !== undefined && ofToken !== ofCluster) {
    const failure = {
      code: 'DNS_ISSUER_WRONG',
      message: 'the token and the cluster have different issuers',
      hint: 'restart the workload for a new token; the OIDC provider and the trust policy of the role must name the issuer of the cluster',
    } as const;
    return broken('issuer', CLUSTER, failure, [`the token names ${ofToken}`, `the cluster names ${ofCluster}`]);
  }
  const summary = isAccepted
    ? 'known to AWS'
    : ofToken === undefined || ofCluster === undefined
      ? 'public'
      : 'the same in token and cluster';
  return good('issuer', CLUSTER, summary, [`issuer ${issuer}`]);
}

/** Judges whether the issuer publishes the keys of the token and of new tokens. */
export function judgeKeys(input: {
  readonly issuer: string | undefined;
  readonly published: PublishedKeys | undefined;
  readonly tokenKeyId: string | undefined;
  readonly signingKeyId: string | undefined;
  readonly isAccepted: boolean;
}): JudgedCondition {
  const { issuer, published, tokenKeyId, signingKeyId, isAccepted } = input;
  if (issuer === undefined || published === undefined)
    return unknown('keys', issuer ?? CLUSTER, 'no public issuer to read them from');
  const { at } = published;
  if ('failure' in published) {
    // AWS has just verified the signature; only new tokens are in doubt, and only when another key signs them.
    const isSettled = isAccepted && (signingKeyId === undefined || signingKeyId === tokenKeyId);
    if (isSettled)
      return good('keys', issuer, 'AWS verifies the token by them', [`not read here: ${published.failure}`]);
    const condition = unknown('keys', issuer, `not read: ${published.failure}`, [at]);
    return { ...condition, hint: `compare it where it is reachable: curl ${at}` };
  }
  const needed = [
    { keyId: tokenKeyId, of: 'of the token' },
    ...(signingKeyId === tokenKeyId ? [] : [{ keyId: signingKeyId, of: 'that signs new tokens' }]),
  ].filter(({ keyId }) => keyId !== undefined);
  if (needed.length === 0) return unknown('keys', issuer, 'neither the token nor the cluster names a key', [at]);
  const missing = needed.filter(({ keyId }) => !published.keyIds.includes(keyId ?? ''));
  if (missing.length === 0)
    return good(
      'keys',
      issuer,
      'published',
      needed.map(({ keyId }) => `key ${keyId}`),
    );
  const failure = {
    code: 'DNS_KEYS_UNPUBLISHED',
    message: `the issuer does not publish the key ${missing.map(({ of }) => of).join(' and the key ')}`,
    hint: `the key of service account tokens was changed: publish the answer of kubectl get --raw /openid/v1/jwks at ${at}, then restart the workload`,
  } as const;
  return broken(
    'keys',
    issuer,
    failure,
    missing.map(({ keyId }) => `key ${keyId} is missing at ${at}`),
  );
}
