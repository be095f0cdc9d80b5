import { type HostPath, joinPath } from '@kube-rescue/host';
import { createNode, type LabCluster, machineOf } from '../cluster/lab-cluster.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { ClusterNode } from '../machine/lab-directory.ts';
import { startService } from '../machine/services.ts';

/** The name and the port that every client has for the API servers. */
export const ENDPOINT = { host: 'api.lab', port: 6443, address: '10.200.0.10' } as const;

const SERVICE = 'haproxy';

/** Starts HAProxy on a machine of its own, in front of the API servers of every node; it keeps no connection to one that is not ready. */
export async function startLoadBalancer(cluster: LabCluster, deps: LabDeps): Promise<void> {
  const machine = machineOf(cluster.id, { name: 'lb', address: ENDPOINT.address }, cluster);
  const { node } = machine;
  const config = joinPath(node.directory, 'haproxy.cfg');
  await createNode(machine, { services: [{ name: SERVICE, program: haproxyProgram(config) }] }, deps);
  const text = renderLoadBalancer(cluster.nodes.map((each) => each.node));
  await deps.host.writeFile(config, Buffer.from(text), { mode: 0o644 });
  await startService(node, SERVICE, deps);
}

function haproxyProgram(config: HostPath): string {
  return `set -- haproxy -db -f ${config}`;
}

/** The configuration of HAProxy, as kubeadm's documentation of a load balancer has it: TCP, with a health check of the API server. */
export function renderLoadBalancer(nodes: readonly Pick<ClusterNode, 'name' | 'address'>[]): string {
  const servers = nodes.map(({ name, address }) => `  server ${name} ${address}:6443`);
  return `global
  maxconn 1000
  log stdout format raw local0
defaults
  mode tcp
  log global
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout check 2s
frontend api
  bind ${ENDPOINT.address}:${ENDPOINT.port}
  default_backend api-servers
backend api-servers
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
  default-server check check-ssl verify none inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join('\n')}
`;
}
