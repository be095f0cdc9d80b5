import type { NodeDeps, NodeDescription } from './node-description.ts';
import type { ComponentState } from './triage.ts';

/** The services beside the kubelet that the control plane of this node needs. */
export async function readServiceStates(
  { etcdService }: NodeDescription,
  { host }: NodeDeps,
): Promise<readonly ComponentState[]> {
  if (etcdService === undefined) return [];
  const state = await host.services.status(etcdService.name);
  return [{ name: 'etcd', state, healthy: undefined, detail: `service ${etcdService.name}` }];
}
