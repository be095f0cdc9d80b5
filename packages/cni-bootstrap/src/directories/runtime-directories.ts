import type { HostPath } from '@kube-rescue/host';

/** What the configuration of a container runtime says; `undefined` where it says nothing. */
export interface RuntimeDirectories {
  readonly configuration: HostPath | undefined;
  readonly binaries: readonly HostPath[] | undefined;
  readonly source: string;
}
