import type { TokenApi } from '@kube-rescue/cluster-objects/api';
import { readKubeconfigClient } from '@kube-rescue/node-config';
import { NodeError } from '../errors.ts';
import { assertLive } from '../live-node.ts';
import type { NodeDeps, NodeDescription } from '../node-description.ts';

/**
 * Opens the tokens of this node's own API server, as the administrator; the caller closes them.
 *
 * @throws NodeError `API_SERVER_UNKNOWN` `NODE_NOT_LIVE`; PkiError when the administrator's kubeconfig cannot be used
 */
export async function openNodeTokens(
  { apiServerUrl: server, adminKubeconfig, adminContext, staticPods }: NodeDescription,
  { host }: NodeDeps,
): Promise<TokenApi> {
  assertLive(host, 'API server');
  if (server === undefined) {
    throw new NodeError({
      code: 'API_SERVER_UNKNOWN',
      message: 'no API server is configured on this node',
      subject: staticPods.directory,
      hint: 'run this on a control-plane node',
    });
  }
  const { ca, certificate, key } = await readKubeconfigClient(adminKubeconfig, { host }, adminContext);
  const { connectTokenApi } = await import('@kube-rescue/cluster-objects/api');
  return connectTokenApi({ server, ca, client: { certificate, key } }, { dial: host.connect.bind(host) });
}
