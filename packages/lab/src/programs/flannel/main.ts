/**
 * A network daemon that behaves as flannel with its Kubernetes subnet manager: it reads its node's podCIDR from the API
 * server and writes it for the CNI plugin. Pod traffic uses plain routes between the nodes, not a tunnel.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClusterAccess, getObject, inClusterAccess, patchObject } from '../cluster-client.ts';
import { endOnSignals, logLine, reasonOf, requireVariable, retryForever } from '../program.ts';
import { type FlannelNode, leaseAnnotations, type NetConf, podMtu, routesToOthers, subnetOf } from './lease.ts';
import { dropRoute, findInterface, addRoute, masquerade } from './node-network.ts';
import { renderSubnetEnv, type SubnetEnv } from './subnet-env.ts';

const NODES_INTERVAL_MS = 2_000;

const { values: flags } = parseArgs({
  options: {
    'kube-subnet-mgr': { type: 'boolean', default: true },
    'ip-masq': { type: 'boolean', default: false },
    iface: { type: 'string' },
    'subnet-file': { type: 'string', default: '/run/flannel/subnet.env' },
    'net-config-path': { type: 'string', default: '/etc/kube-flannel/net-conf.json' },
    'cni-conf-source': { type: 'string', default: '/etc/kube-flannel/cni-conf.json' },
    'cni-conf-file': { type: 'string', default: '/etc/cni/net.d/10-flannel.conflist' },
  },
});

endOnSignals();
const nodeName = requireVariable('NODE_NAME');
await retryForever('Failed to install the CNI configuration', async () => {
  replaceFile(flags['cni-conf-file'], readFileSync(flags['cni-conf-source'], 'utf8'));
  logLine(`Installed ${flags['cni-conf-file']}`);
});
const access = await retryForever('Failed to create SubnetManager', connect);
const env = await retryForever('Error registering network', () => registerNetwork(access));
if (flags['ip-masq']) await retryForever('Failed to setup IP Masquerade', () => masquerade(env.network, env.subnet));
await retryForever('Failed to write subnet file', async () => {
  replaceFile(flags['subnet-file'], renderSubnetEnv(env));
  logLine(`Wrote subnet file to ${flags['subnet-file']}`);
});
logLine('Running backend.');
await keepRoutes();

/** Reads the credentials at each attempt: the original exits when it fails, and is restarted with new credentials. */
async function connect(): Promise<ClusterAccess> {
  const opened = inClusterAccess(process.env);
  try {
    await getObject<FlannelNode>(opened, `/api/v1/nodes/${nodeName}`);
  } catch (error) {
    throw new Error(`error retrieving node "${nodeName}": ${reasonOf(error)}`, { cause: error });
  }
  logLine(`Created subnet manager: Kubernetes Subnet Manager - ${nodeName}`);
  return opened;
}

async function registerNetwork(api: ClusterAccess): Promise<SubnetEnv> {
  const netConf = readNetConf(flags['net-config-path']);
  const link = await findInterface(flags.iface);
  const node = await getObject<FlannelNode>(api, `/api/v1/nodes/${nodeName}`);
  const subnet = subnetOf(node, netConf);
  const mtu = podMtu(link, netConf);
  const patch = { metadata: { annotations: leaseAnnotations(link, netConf) } };
  await patchObject(api, `/api/v1/nodes/${nodeName}/status`, patch);
  logLine(`Using interface with name ${link.name} and address ${link.address}; lease acquired: ${subnet}`);
  return { network: netConf.Network, subnet, mtu, ipMasq: flags['ip-masq'] };
}

function readNetConf(path: string): NetConf {
  try {
    const { Network, Backend = { Type: 'udp' } } = JSON.parse(readFileSync(path, 'utf8')) as Partial<NetConf>;
    if (Network === undefined) throw new Error('please define a correct Network parameter in the flannel net config');
    return { Network, Backend };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `open ${path}: no such file or directory` : reasonOf(error);
    throw new Error(`failed to read net conf: ${reason}`, { cause: error });
  }
}

async function keepRoutes(): Promise<never> {
  const installed = new Map<string, string>();
  for (;;) {
    await retryForever('Error listing nodes', () => updateRoutes(installed));
    await sleep(NODES_INTERVAL_MS);
  }
}

async function updateRoutes(installed: Map<string, string>): Promise<void> {
  const { items } = await getObject<{ items: readonly FlannelNode[] }>(inClusterAccess(process.env), '/api/v1/nodes');
  const wanted = routesToOthers(items, nodeName);
  for (const [network, gateway] of wanted) {
    if (installed.get(network) === gateway) continue;
    await addRoute(network, gateway);
    installed.set(network, gateway);
    logLine(`Route to ${network} via ${gateway}`);
  }
  for (const network of installed.keys()) {
    if (wanted.has(network)) continue;
    await dropRoute(network);
    installed.delete(network);
    logLine(`Removed the route to ${network}`);
  }
}

/** Replaces a file atomically, as flannel does: a reader finds the old or the new content. */
function replaceFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  writeFileSync(temporary, text, { mode: 0o644 });
  renameSync(temporary, path);
}
