import type { Host, HostPath } from '@kube-rescue/host';

/** Files of the person who calls, such as a plan; not those of the node. */
export interface LocalFiles {
  readonly host: Host;
  /** The same machine, for a journal of its own: what is written through it is no change that the command reports. */
  readonly journalHost: Host;
  /** A path as the caller gave it, made absolute. */
  path(text: string): HostPath;
}
