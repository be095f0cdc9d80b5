import type { Node, NodeDescription } from '@kube-rescue/node';
import type { ComponentState } from './component-state.ts';

/** The services beside the kubelet that the control plane of this node needs. */
export async function readServiceStates(
  { etcdService }: NodeDescription,
  { host }: Pick<Node, 'host'>,
): Promise<readonly ComponentState[]> {
  if (etcdService === undefined) return [];
  const state = await host.services.status(etcdService.name);
  const service = `service ${etcdService.name}`;
  // What is started again and again does not run.
  if (state === 'starting') {
    return [
      { name: 'etcd', state: 'stopped', healthy: undefined, detail: `${service}, which is started but does not stay` },
    ];
  }
  return [{ name: 'etcd', state, healthy: undefined, detail: service }];
}
