import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { AwsRefusal } from './aws-refusal.ts';

/** Whose tokens may assume a role: an OIDC provider with its keys, and the conditions of the trust policy. */
export interface WebIdentityTrust {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  /** RSA keys, as the key set of the issuer publishes them. */
  readonly keys: readonly (JsonWebKey & { readonly kid?: string })[];
}

/**
 * Verifies a token in the order of STS: its form, its date, its issuer's key, then the trust policy.
 * @throws AwsRefusal `InvalidIdentityToken` `ExpiredTokenException` `AccessDenied`
 */
export function assertWebIdentity(
  token: string,
  trust: WebIdentityTrust | undefined,
  now: Date,
): asserts trust is WebIdentityTrust {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const { kid } = parse(header);
  const { iss, aud, sub, exp } = parse(payload);
  if (typeof exp === 'number' && exp * 1000 <= now.getTime()) {
    throw new AwsRefusal(400, 'ExpiredTokenException', 'Token expired');
  }
  if (trust === undefined || iss !== trust.issuer) {
    throw new AwsRefusal(400, 'InvalidIdentityToken', 'No OpenIDConnect provider found in your account');
  }
  const key = trust.keys.find((each) => each.kid === kid);
  const isSigned =
    key !== undefined &&
    verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      createPublicKey({ key, format: 'jwk' }),
      Buffer.from(signature, 'base64url'),
    );
  if (!isSigned) {
    throw new AwsRefusal(400, 'InvalidIdentityToken', "Couldn't retrieve verification key from your identity provider");
  }
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(trust.audience) || sub !== trust.subject) {
    throw new AwsRefusal(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
  }
}

function parse(part: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    throw new AwsRefusal(400, 'InvalidIdentityToken', 'The ID Token provided is not a valid JWT');
  }
}
