import type { HostPath } from '@kube-rescue/host';

/** The directories in the configuration of a container runtime; `undefined` where not set. */
export interface RuntimeDirectories {
  readonly configuration: HostPath | undefined;
  readonly binaries: readonly HostPath[] | undefined;
  readonly source: string;
}
