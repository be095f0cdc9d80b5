/** The AWS partitions with Route 53; accounts, keys and endpoints are valid in one partition only. */
export type Partition = 'aws' | 'aws-cn' | 'aws-us-gov';

/** The region of the global services when none is configured. */
export const DEFAULT_REGION = 'us-east-1';

/** The partition that a region is in (AWS General Reference, "Partitions"). */
export function partitionOf(region: string): Partition {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/** The signing region of Route 53 in each partition (AWS General Reference, "Route 53 endpoints"). */
export const ROUTE_53_REGION: Readonly<Record<Partition, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-northwest-1',
  'aws-us-gov': 'us-gov-west-1',
};

/** The second field of an ARN. */
export function partitionOfArn(arn: string): string | undefined {
  return arn.split(':')[1];
}
