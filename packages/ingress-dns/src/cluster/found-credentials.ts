import type { CredentialSource } from '../credentials/aws-credentials.ts';
import type { Controller } from './controllers.ts';
import type { CredentialLocation } from './credential-location.ts';

/** Credentials in the cluster, and the workload that uses them. */
export interface ClusterCredentials {
  readonly controller: Controller;
  readonly source: CredentialSource;
  /** Where the keys can be replaced; absent when they are `ambient`. */
  readonly location: CredentialLocation | undefined;
}
