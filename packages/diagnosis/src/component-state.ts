import type { HostPath } from '@kube-rescue/host';
import type { NodeDescription } from '@kube-rescue/node';

/** The present state of one component of the node. */
export interface ComponentState {
  readonly name: string;
  readonly state: 'running' | 'stopped' | 'unknown';
  /** `undefined` when its health is unknown. */
  readonly healthy: boolean | undefined;
  readonly detail: string;
}

/** Whether a component is stopped or not healthy. */
export function isDown({ state, healthy }: ComponentState): boolean {
  return state === 'stopped' || healthy === false;
}

/** The component of an active checkpoint, from its labels: its program may be a wrapper. */
export function nameOf(manifest: HostPath, { checkpoints }: NodeDescription): string | undefined {
  return checkpoints.checkpoints.find(({ active }) => active?.manifest.path === manifest)?.component;
}
