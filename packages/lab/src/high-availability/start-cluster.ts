import { prepareControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { writeKubeletDropIn } from '../cluster/join-node.ts';
import { createKubeadmNode, loadKubeadmImages } from '../cluster/kubeadm-nodes.ts';
import type { LabCluster, ReportProgress } from '../cluster/lab-cluster.ts';
import { sshService, startSsh } from '../cluster/ssh.ts';
import type { KeyAlgorithm } from '../kubernetes/kubeadm-config.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { shareServiceCommand } from '../machine/services.ts';
import { joinControlPlanes } from './join-control-planes.ts';
import { ENDPOINT, startLoadBalancer } from './load-balancer.ts';

/**
 * Starts a cluster whose every node is a control plane with its member of etcd, behind a load balancer on a machine of its own, and
 * the SSH server of each node.
 */
export async function startHighlyAvailable(
  cluster: LabCluster,
  keyAlgorithm: KeyAlgorithm,
  report: ReportProgress,
  deps: LabDeps,
): Promise<void> {
  const { node, nodes, release } = cluster;
  const hosts = {
    [ENDPOINT.host]: ENDPOINT.address,
    ...Object.fromEntries(nodes.map((each) => [each.node.name, each.node.address])),
  };
  for (const machine of nodes) {
    const services = [sshService(machine.node)];
    await createKubeadmNode(machine, cluster, { services, hosts }, deps);
    await shareServiceCommand(machine.node, deps);
  }
  report('making certificates, kubeconfigs, manifests and images');
  await runConcurrently(deps, [
    (each) => loadKubeadmImages(cluster, nodes, [], each),
    async (each) => {
      await writeKubeletDropIn(node, { requestsServing: false }, each);
      const endpoint = `${ENDPOINT.host}:${ENDPOINT.port}`;
      await prepareControlPlane(cluster, { keyAlgorithm, release, endpoint }, each);
      await startLoadBalancer(cluster, each);
      await startSsh(cluster, nodes, each);
    },
  ]);
  report(`starting the kubelet of ${node.name}; waiting for etcd and the API server`);
  await startControlPlane(cluster, deps);
  await joinControlPlanes(cluster, nodes.slice(1), report, deps);
}
