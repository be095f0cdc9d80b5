export { type AwsCredentialsRequest, checkAwsCredentials } from './aws-credentials-check.ts';
export {
  type AwsAccount,
  type AwsAccountDeps,
  type CallerIdentity,
  type HostedZone,
  openAwsAccount,
  type RecordChange,
} from './aws/aws-account.ts';
export { type AwsRequestHandler, type AwsClientConfig, clientConfigFromEnvironment } from './aws/client-options.ts';
export { smallestPolicy } from './aws/policy.ts';
export type { DnsRecordSet } from './aws/record-set.ts';
export { judgeCredentials } from './conditions/account-conditions.ts';
export type { DnsOptions, DnsServer } from './conditions/dns-session.ts';
export { type Condition, CONDITION_IDS, type ConditionId } from './conditions/condition.ts';
export type { EndpointProbe } from './conditions/endpoint-condition.ts';
export { chooseCredentials, findClusterCredentials, matchCredentials } from './cluster/cluster-credentials.ts';
export { checkClusterDns, type ClusterDns, readClusterDns } from './cluster/cluster-dns.ts';
export type { ClusterCredentials } from './cluster/found-credentials.ts';
export { type ClusterReading, type ObjectReader, openClusterReading } from './cluster/cluster-reading.ts';
export { type Controller, describeController } from './cluster/controllers.ts';
export { type CredentialLocation, describeLocation, type FieldLocation } from './cluster/credential-location.ts';
export { findWantedNames } from './cluster/wanted-names.ts';
export {
  type AssumedRole,
  type AwsCredentials,
  type CredentialSource,
  maskAccessKeyId,
} from './credentials/aws-credentials.ts';
export {
  type CallerCredentials,
  type Environment,
  findCallerCredentials,
  zonesInEnvironment,
} from './credentials/caller-credentials.ts';
export { namedZones, type NamedZones } from './credentials/named-zones.ts';
export { parseCredentials } from './credentials/credential-text.ts';
export { checkIngressDns, type DnsCheckDeps, type DnsCheckInput, type DnsReport } from './dns-check.ts';
export { INGRESS_DNS_ERRORS, IngressDnsError, type IngressDnsErrorCode } from './errors.ts';
export type { WantedName } from './conditions/record-condition.ts';
export { type CredentialPatches, planCredentialPatches, RESTART_ANNOTATION } from './repair/credential-patches.ts';
export {
  createCredentialsPlaybook,
  type NewCredentialsDeps,
  type NewCredentialsInput,
  type StepNaming,
} from './repair/credentials-playbook.ts';
export type { ObjectPatch } from './repair/credential-patches.ts';
export { createZoneWriteTest, type ZoneWriteDeps, type ZoneWriteTest } from './write-test/zone-write-test.ts';
export { parseTrustPolicy } from './web-identity/trust-policy.ts';
export type { TokenFile, TrustPolicy, WebIdentity, WebIdentityContext } from './web-identity/web-identity.ts';
