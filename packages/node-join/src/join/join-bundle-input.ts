import { type JoinFile } from './worker.ts';

/** What is carried to a worker by hand. */
export interface JoinBundleInput {
  /** Name of the Node. */
  readonly node: string;
  /** Names by which the machine may know itself: its Node's, and those that its kubelet has told. */
  readonly names: readonly string[];
  /** For example `kubelet`. */
  readonly kubeletService: string;
  /** Called as `PROGRAM restart NAME`. Default: systemctl. */
  readonly serviceCommand?: string | undefined;
  readonly files: readonly JoinFile[];
}
