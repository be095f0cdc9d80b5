import { type JoinFile } from './worker.ts';

/** The content of a join bundle. */
export interface JoinBundleInput {
  /** Name of the Node. */
  readonly node: string;
  /** Names of the machine: that of its Node, and those that its kubelet reported. An odd one is refused. */
  readonly names: readonly string[];
  /** For example `kubelet`. */
  readonly kubeletService: string;
  /** Called as `PROGRAM restart NAME`. Default: systemctl. */
  readonly serviceCommand?: string | undefined;
  readonly files: readonly JoinFile[];
}
