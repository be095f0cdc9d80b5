import { type Fields, isRecord, textAt } from '@kube-rescue/cluster-objects';
import { partitionOfArn } from '../credentials/partition.ts';
import {
  type Fit,
  judgeConditions,
  matchesWildcards,
  providerName,
  textsOf,
  type TokenClaims,
} from './trust-conditions.ts';
import type { TrustPolicy } from './web-identity.ts';

/** Whether a trust policy lets the bearer of a token assume its role. */
export interface TrustVerdict {
  readonly verdict: 'accepts' | 'refuses' | 'unknown';
  /** What does not fit, or is not judged, one sentence each; empty when it accepts. */
  readonly reasons: readonly string[];
}

const ACTION = 'sts:AssumeRoleWithWebIdentity';

/**
 * Judges a trust policy by the claims of a token, as IAM does: one statement that allows suffices, one that denies forbids. Pure.
 *
 * Names the misfits of the statement that comes closest. Says nothing of the OIDC provider's list of audiences, of its
 * thumbprints, and of service control policies.
 */
export function judgeTrust(policy: TrustPolicy, claims: TokenClaims, roleArn: string | undefined): TrustVerdict {
  const judged = policy.statements.map((statement) => ({
    isDenial: textAt(statement, 'Effect') === 'Deny',
    ...judgeStatement(statement, claims, roleArn ?? policy.roleArn),
  }));
  const denials = judged.filter(({ isDenial, misfits }) => isDenial && misfits.length === 0);
  if (denials.some(({ unjudged }) => unjudged.length === 0)) {
    return { verdict: 'refuses', reasons: ['a statement with Effect Deny applies to the token'] };
  }
  const allowing = judged.filter(({ isDenial }) => !isDenial).toSorted((a, b) => a.misfits.length - b.misfits.length);
  const [closest] = allowing;
  if (closest === undefined) return { verdict: 'refuses', reasons: ['no statement has Effect Allow'] };
  if (closest.misfits.length > 0) return { verdict: 'refuses', reasons: closest.misfits };
  const isCertain = allowing.some(({ misfits, unjudged }) => misfits.length + unjudged.length === 0);
  const doubts = [...denials.flatMap(({ unjudged }) => unjudged), ...(isCertain ? [] : closest.unjudged)];
  return { verdict: doubts.length === 0 ? 'accepts' : 'unknown', reasons: doubts };
}

function judgeStatement(statement: Fields, claims: TokenClaims, roleArn: string | undefined): Fit {
  const { misfits, unjudged } = judgeConditions(statement['Condition'], claims);
  const inverse = ['NotAction', 'NotPrincipal'].filter((name) => statement[name] !== undefined);
  return {
    misfits: [...judgePrincipal(statement, claims, roleArn), ...judgeAction(statement), ...misfits],
    unjudged: [...unjudged, ...inverse.map((name) => `${name} is not judged`)],
  };
}

function judgeAction(statement: Fields): readonly string[] {
  if (statement['NotAction'] !== undefined) return [];
  const actions = textsOf(statement, 'Action');
  const isNamed = actions.some((each) => matchesWildcards(each.toLowerCase(), ACTION.toLowerCase()));
  return isNamed ? [] : [`Action is ${actions.join(', ')}; the token needs ${ACTION}`];
}

function judgePrincipal(statement: Fields, claims: TokenClaims, roleArn: string | undefined): readonly string[] {
  const principal = statement['Principal'];
  if (principal === '*' || statement['NotPrincipal'] !== undefined) return [];
  const federated = isRecord(principal) ? textsOf(principal, 'Federated') : [];
  const wanted = providerArn(claims.issuer, roleArn);
  const isNamed = federated.some((arn) => isProvider(arn, claims.issuer, roleArn));
  if (isNamed) return [];
  const found = federated.length === 0 ? 'missing' : federated.join(', ');
  return [`Principal.Federated is ${found}; the issuer of the token needs ${wanted}`];
}

/** The provider must be of the role's account; where no role is known, any account is taken. */
function isProvider(arn: string, issuer: string, roleArn: string | undefined): boolean {
  const [, account, name = ''] = /^arn:[a-z-]+:iam::(\d*):oidc-provider\/(.+)$/.exec(arn) ?? [];
  const wanted = accountOf(roleArn);
  return name.replace(/\/$/, '') === providerName(issuer) && (wanted === undefined || account === wanted);
}

/** The ARN of the OIDC provider of an issuer, in the account of the role. */
function providerArn(issuer: string, roleArn: string | undefined): string {
  const partition = partitionOfArn(roleArn ?? '') ?? 'aws';
  return `arn:${partition}:iam::${accountOf(roleArn) ?? 'ACCOUNT'}:oidc-provider/${providerName(issuer)}`;
}

function accountOf(roleArn: string | undefined): string | undefined {
  return /^arn:[a-z-]+:iam::(\d{12}):/.exec(roleArn ?? '')?.[1];
}

/**
 * The trust policy with one more statement, for exactly this issuer, audience and subject. Keeps every other statement: another
 * service account may need it. On one line.
 */
export function fittingPolicy(
  policy: TrustPolicy | undefined,
  claims: TokenClaims,
  roleArn: string | undefined,
): string {
  const name = providerName(claims.issuer);
  const fitting = {
    Effect: 'Allow',
    Principal: { Federated: providerArn(claims.issuer, roleArn ?? policy?.roleArn) },
    Action: ACTION,
    Condition: {
      StringEquals: { [`${name}:aud`]: claims.audiences[0] ?? '', [`${name}:sub`]: claims.subject },
    },
  };
  return JSON.stringify({
    Version: policy?.version ?? '2012-10-17',
    Statement: [...(policy?.statements ?? []), fitting],
  });
}
