import type { CredentialSource } from '../credentials/aws-credentials.ts';
import type { Controller } from './controllers.ts';
import type { CredentialLocation } from './credential-location.ts';

/** Credentials that the cluster uses, and who uses them. */
export interface ClusterCredentials {
  readonly controller: Controller;
  readonly source: CredentialSource;
  /** Where they can be replaced; absent when they are `ambient`. */
  readonly place: CredentialLocation | undefined;
}
