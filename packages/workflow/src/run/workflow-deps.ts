import type { Clock, Host } from '@kube-rescue/host';
import { type ChangeRegistry } from '../plan/change-registry.ts';
import { type WorkflowListener } from './events.ts';
import type { RunDirectory } from '../journal/run-directory.ts';
import { type RunStore } from '../journal/run-store.ts';

/** Dependencies of a run. */
export interface WorkflowDeps {
  readonly host: Host;
  readonly clock: Clock;
  readonly kinds: ChangeRegistry;
  readonly store: RunStore;
  readonly onEvent: WorkflowListener;
  /** Whether a rollback of the run now would need `--force`, for hints. Default: it would not. */
  readonly needsForce?: ((run: RunDirectory) => Promise<boolean>) | undefined;
}
