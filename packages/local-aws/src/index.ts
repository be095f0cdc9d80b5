export type { HostedRecord, HostedZone } from './hosted-zones.ts';
export type { AwsKey } from './identities.ts';
export { type AwsRequest, type LocalAws, type LocalAwsOptions, startLocalAws } from './local-aws.ts';
