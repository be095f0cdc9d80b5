import type { Host, HostPath } from '@kube-rescue/host';

/** Files of the operator, such as a plan; not those of the node. */
export interface LocalFiles {
  readonly host: Host;
  /** The same machine; writes of a separate journal through it are not reported as changes of the command. */
  readonly journalHost: Host;
  /** Makes a path of the operator absolute. */
  path(text: string): HostPath;
}
