import type { Clock, HostPath } from '@kube-rescue/host';
import type { RunDirectory } from '../journal/run-directory.ts';
import type { Change } from '../plan/change.ts';
import type { ChangeRegistry } from '../plan/change-registry.ts';
import type { WorkflowListener } from './events.ts';

/** A change that could not be rolled back, and why. */
export interface NotReverted {
  readonly change: Change;
  readonly reason: string;
  /** Where the old bytes are kept; `undefined` when there were none. */
  readonly old?: HostPath | undefined;
}

/** Bytes that a rollback replaced. */
export interface ReplacedBytes {
  readonly target: string;
  /** Where they are kept. */
  readonly kept: HostPath;
}

/** The result of a rollback. */
export interface Unwound {
  /** Changes rolled back, now or before. */
  readonly undone: number;
  readonly notReverted: readonly NotReverted[];
  readonly replaced: readonly ReplacedBytes[];
}

/** What undoing needs. */
export interface UnwindDeps {
  readonly run: RunDirectory;
  readonly kinds: ChangeRegistry;
  readonly clock: Clock;
  readonly onEvent: WorkflowListener;
  /**
   * The run undoes its own changes because it has failed: then the bytes that it replaces, which it wrote itself, are kept in memory
   * until the unit is undone, so that a full disk is no obstacle. Otherwise they are kept in the backup directory first, and
   * nothing is replaced whose bytes cannot be kept. Default: false.
   */
  readonly isFailing?: boolean | undefined;
}
