import type { Host } from '@kube-rescue/host';
import { NodeError } from './errors.ts';

/**
 * Refuses to connect for a copy of a node's files: the addresses in them are those of the real cluster.
 * @throws NodeError `NODE_NOT_LIVE`
 */
export function assertLive(host: Pick<Host, 'kind' | 'name'>, component: 'etcd' | 'API server'): void {
  if (host.kind === 'live') return;
  throw new NodeError({
    code: 'NODE_NOT_LIVE',
    message: `a copy of a node's files has no running ${component}`,
    subject: host.name,
    hint: 'run it on the control-plane node, without --root',
  });
}
