import { formatNetwork, type Host, type HostPath, parseNetwork } from '@kube-rescue/host';
import type { NodeLinks } from '../network/node-links.ts';
import type { Sourced } from '../sourced.ts';

/** The default bridge of the plugin: plugins `main/bridge/bridge.go` defaultBrName. */
const BRIDGE = 'cni0';

/**
 * The earlier subnet of this node: from `subnet.env`, else from the pod bridge. For a decision of the operator; flannel
 * itself uses the Node alone.
 */
export async function findEarlierSubnet(
  subnetFile: HostPath,
  links: NodeLinks | undefined,
  host: Pick<Host, 'readFile'>,
): Promise<Sourced<string> | undefined> {
  const bytes = await host.readFile(subnetFile);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
  const written = parseNetwork(/^FLANNEL_SUBNET=(.+)$/m.exec(text)?.[1] ?? '');
  if (written !== undefined) return { value: formatNetwork(written), source: subnetFile };
  const bridge = links?.links.find(({ name }) => name === BRIDGE);
  const [network] = (bridge?.networks ?? [])
    .flatMap((cidr) => parseNetwork(cidr) ?? [])
    .filter(({ family }) => family === 4);
  return network && { value: formatNetwork(network), source: `bridge ${BRIDGE}` };
}
