/** The partitions of AWS that have a Route 53; accounts, keys and endpoints of one mean nothing in another. */
export type Partition = 'aws' | 'aws-cn' | 'aws-us-gov';

/** Where the global services of a partition are asked for when nobody names a region. */
export const DEFAULT_REGION = 'us-east-1';

/** The partition that a region is in (AWS General Reference, "Partitions"). */
export function partitionOf(region: string): Partition {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/** The one region that requests to Route 53 of a partition are signed for (AWS General Reference, "Route 53 endpoints"). */
export const ROUTE_53_REGION: Readonly<Record<Partition, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-northwest-1',
  'aws-us-gov': 'us-gov-west-1',
};

/** The second field of an ARN. */
export function partitionOfArn(arn: string): string | undefined {
  return arn.split(':')[1];
}
