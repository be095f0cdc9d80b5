import type { Node, NodeDescription } from '@kube-rescue/node';
import type { ComponentState } from './component-state.ts';

/** The services that the control plane of this node needs, without the kubelet. */
export async function readServiceStates(
  { etcdService }: NodeDescription,
  { host }: Pick<Node, 'host'>,
): Promise<readonly ComponentState[]> {
  if (etcdService === undefined) return [];
  const state = await host.services.status(etcdService.name);
  const service = `service ${etcdService.name}`;
  // A crash loop counts as stopped.
  if (state === 'starting') {
    return [{ name: 'etcd', state: 'stopped', healthy: undefined, detail: `${service} keeps restarting` }];
  }
  return [{ name: 'etcd', state, healthy: undefined, detail: service }];
}
