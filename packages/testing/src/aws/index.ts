export type { HostedRecord, HostedZone } from './hosted-zones.ts';
export type { AwsKey } from './identities.ts';
export { type AwsRequest, type LocalAws, startLocalAws } from './local-aws.ts';
