import type { TokenClaims } from '../web-identity/trust-conditions.ts';
import { fittingPolicy, judgeTrust } from '../web-identity/trust-judgement.ts';
import type { TrustPolicy } from '../web-identity/web-identity.ts';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';

/** Judges the trust policy of a role by the claims of a token. What AWS has accepted wins over a file. */
export function judgeTrustCondition(input: {
  readonly roleArn: string | undefined;
  readonly claims: TokenClaims | undefined;
  readonly policy: TrustPolicy | undefined;
  readonly isAccepted: boolean;
}): JudgedCondition {
  const { roleArn, claims, policy, isAccepted } = input;
  const role = /\/([^/]+)$/.exec(roleArn ?? '')?.[1] ?? 'ROLE';
  const subject = roleArn ?? 'the role';
  if (policy === undefined) {
    if (isAccepted) return good('trust', subject, 'AWS accepts the token');
    const hint = `aws iam get-role --role-name ${role} >role.json, then give --trust-policy role.json`;
    return { ...unknown('trust', subject, 'its trust policy is not known'), hint };
  }
  if (policy.roleArn !== undefined && roleArn !== undefined && policy.roleArn !== roleArn) {
    return unknown('trust', subject, `the trust policy is that of another role: ${policy.roleArn}`);
  }
  if (claims === undefined) return unknown('trust', subject, 'neither a token nor a cluster to judge it by');
  const { verdict, reasons } = judgeTrust(policy, claims, roleArn);
  if (verdict === 'accepts') return good('trust', subject, 'its trust policy fits');
  if (isAccepted) {
    return good(
      'trust',
      subject,
      'AWS accepts the token; the given policy is not the one in force, or not judged',
      reasons,
    );
  }
  if (verdict === 'unknown') return unknown('trust', subject, 'its trust policy is not judged completely', reasons);
  const failure = {
    code: 'DNS_TRUST_REFUSED',
    message: 'the trust policy of the role does not accept the token',
    hint: `save this as trust.json, then run aws iam update-assume-role-policy --role-name ${role} --policy-document file://trust.json: ${fittingPolicy(policy, claims, roleArn)}; the account needs the OIDC provider that it names: aws iam create-open-id-connect-provider --url ${claims.issuer} --client-id-list ${claims.audiences[0] ?? ''}`,
  } as const;
  return broken('trust', subject, failure, reasons);
}
