import type { IngressDnsError, IngressDnsErrorCode } from '../errors.ts';

/** The conditions from credentials to an endpoint that answers, in the order of the checks. */
export const CONDITION_IDS = [
  'credentials',
  'token',
  'issuer',
  'keys',
  'trust',
  'form',
  'clock',
  'identity',
  'list',
  'zone',
  'change',
  'delegation',
  'record',
  'resolution',
  'endpoint',
] as const;

export type ConditionId = (typeof CONDITION_IDS)[number];

/** One condition and its state. Never holds a secret; access key ids are masked. */
export interface Condition {
  readonly id: ConditionId;
  /** The location of the credentials, a zone or a host name. */
  readonly subject: string;
  /**
   * `cause`: the first broken condition. `consequence`: broken or not verifiable because of a cause. `unknown`: not
   * verifiable, and no cause explains why; never counted as `ok`.
   */
  readonly status: 'ok' | 'cause' | 'consequence' | 'unknown';
  /** One sentence in lower case without a period. */
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly code?: IngressDnsErrorCode | undefined;
  readonly hint?: string | undefined;
}

/** A condition, not yet marked as cause or consequence. */
export interface JudgedCondition extends Omit<Condition, 'status'> {
  readonly status: 'ok' | 'broken' | 'unknown';
}

export function good(
  id: ConditionId,
  subject: string,
  summary: string,
  evidence: readonly string[] = [],
): JudgedCondition {
  return { id, subject, status: 'ok', summary, evidence };
}

export function broken(
  id: ConditionId,
  subject: string,
  failure: Pick<IngressDnsError, 'code' | 'message' | 'hint'>,
  evidence: readonly string[] = [],
): JudgedCondition {
  const { code, message, hint } = failure;
  return { id, subject, status: 'broken', code, summary: message, hint, evidence };
}

export function unknown(
  id: ConditionId,
  subject: string,
  summary: string,
  evidence: readonly string[] = [],
): JudgedCondition {
  return { id, subject, status: 'unknown', summary, evidence };
}

/** Conditions with common prerequisites: the account, then a zone, then each of its names. */
export interface ConditionTree {
  readonly conditions: readonly JudgedCondition[];
  readonly branches: readonly ConditionTree[];
}

/**
 * Marks the first broken condition on each path as the cause and later ones as its consequences. Pure.
 *
 * @returns the conditions in the order of the checks
 */
export function nameCauses(tree: ConditionTree, isExplained = false): readonly Condition[] {
  let explained = isExplained;
  const own = tree.conditions.map((condition): Condition => {
    if (condition.status === 'ok') return { ...condition, status: 'ok' };
    if (explained) return { ...condition, status: 'consequence' };
    if (condition.status === 'unknown') return { ...condition, status: 'unknown' };
    explained = true;
    return { ...condition, status: 'cause' };
  });
  return [...own, ...tree.branches.flatMap((branch) => nameCauses(branch, explained))];
}
