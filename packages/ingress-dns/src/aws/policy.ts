import type { Partition } from '../credentials/partition.ts';

/** Actions that do not refer to a zone. */
const GLOBAL_ACTIONS: readonly string[] = [
  'route53:ListHostedZones',
  'route53:ListHostedZonesByName',
  'route53:GetChange',
];

/** The permissions that a DNS controller needs that names its zone by id, and a check of its credentials. */
export const NEEDED_IN_ZONE: readonly string[] = [
  'route53:ListResourceRecordSets',
  'route53:ChangeResourceRecordSets',
  'route53:GetChange',
];

/** The permissions that a DNS controller needs that looks its zones up, and a check of its credentials. */
export const NEEDED_ACTIONS: readonly string[] = ['route53:ListHostedZones', ...NEEDED_IN_ZONE];

/** The resources of a policy. */
interface PolicyScope {
  /** Default: every zone. */
  readonly zoneId?: string | undefined;
  /** Default: `aws`. */
  readonly partition?: Partition | undefined;
}

/** The smallest IAM policy that allows `actions`, on one line. */
export function smallestPolicy(
  actions: readonly string[],
  { zoneId = '*', partition = 'aws' }: PolicyScope = {},
): string {
  const globals = actions.filter((action) => GLOBAL_ACTIONS.includes(action));
  const zoned = actions.filter((action) => !GLOBAL_ACTIONS.includes(action));
  const statement = (some: readonly string[], resource: string) =>
    some.length === 0 ? [] : [{ Effect: 'Allow', Action: some, Resource: resource }];
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [...statement(globals, '*'), ...statement(zoned, `arn:${partition}:route53:::hostedzone/${zoneId}`)],
  });
}
