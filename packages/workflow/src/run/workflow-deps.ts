import type { Clock, Host } from '@kube-rescue/host';
import { type ChangeRegistry } from '../plan/change-registry.ts';
import { type WorkflowListener } from './events.ts';
import { type RunStore } from '../journal/run-store.ts';

/** Dependencies of a run. */
export interface WorkflowDeps {
  readonly host: Host;
  readonly clock: Clock;
  readonly kinds: ChangeRegistry;
  readonly store: RunStore;
  readonly onEvent: WorkflowListener;
}
