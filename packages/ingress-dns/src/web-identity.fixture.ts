import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { tokenKeyId } from '@kube-rescue/cert-rotation/token-keys';
import { HostError, type HttpAnswer, type HttpProbe } from '@kube-rescue/host';

export const ISSUER = 'https://oidc.example.test/cluster';
export const SUBJECT = 'system:serviceaccount:dns:external-dns';
export const AUDIENCE = 'sts.amazonaws.com';

/** A key of service account tokens, and its public half in a key set. */
export function makeTokenKey(): { key: KeyObject; jwk: JsonWebKey & { kid: string } } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { key: privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: tokenKeyId(privateKey) } };
}

/** Claims as Kubernetes writes them into a bound token (its documentation, "ServiceAccount token structure"). */
export function claims(more: object = {}): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    aud: [AUDIENCE],
    exp: now + 86_400,
    iat: now,
    iss: ISSUER,
    'kubernetes.io': { namespace: 'dns', serviceaccount: { name: 'external-dns', uid: 'u' } },
    sub: SUBJECT,
    ...more,
  };
}

/** The web server of an issuer with these keys; without any, one that refuses connections. */
export function publish(
  keys: readonly object[] | undefined,
  issuer = ISSUER,
): (probe: HttpProbe) => Promise<HttpAnswer> {
  const documents: Readonly<Record<string, object>> = {
    [`${issuer}/.well-known/openid-configuration`]: { issuer, jwks_uri: `${issuer}/keys.json` },
    [`${issuer}/keys.json`]: { keys },
  };
  return async ({ url }) => {
    const found = keys === undefined ? undefined : documents[url];
    if (found !== undefined) return { status: 200, body: JSON.stringify(found) };
    throw new HostError({ code: 'HOST_CONNECTION_FAILED', message: 'connection refused', subject: url });
  };
}
