import { lastOutput } from '../../machine/command.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { prove } from '../../proofs/proof.ts';
import { powerOff, powerOn } from '../../self-hosted/power.ts';
import { findCheckpoint } from '../saturday/checkpoint.ts';
import { expiredEtcdClient } from './stale-certificates.ts';
import type { SingleFault } from './single-fault.ts';

/**
 * The API server's Secret and its checkpoint hold an expired client certificate for etcd; a valid one is in etcd's
 * directory. The control-plane node has restarted since.
 */
export const staleCheckpoint: SingleFault = {
  what: 'the API server client certificate for etcd has expired in its Secret and in the checkpoint',
  breakCluster: async (cluster, deps) => {
    const expired = await expiredEtcdClient(cluster, deps);
    const patch = JSON.stringify({ data: { 'etcd-client.crt': Buffer.from(expired).toString('base64') } });
    const secret = ['--namespace=kube-system', 'patch', 'secret', 'kube-apiserver'];
    await runOnNode(cluster, ['kubectl', ...secret, '--patch', patch], deps);
    await powerOff(cluster, deps);
    const { secrets } = await findCheckpoint(cluster, 'kube-apiserver', deps);
    const file = nodeFile(cluster.node, `${secrets}/kube-apiserver/etcd-client.crt`);
    const stat = await deps.host.stat(file);
    const owner = { uid: stat?.uid ?? 0, gid: stat?.gid ?? 0 };
    await deps.host.writeFile(file, Buffer.from(expired), { mode: stat?.mode ?? 0o600, owner });
    await powerOn(cluster, { kubelet: true }, deps);
  },
  proveFault: async (cluster, deps) => [
    await prove('kubectl does not reach the API server', async () => {
      const result = await execOnNode(cluster, ['kubectl', 'get', 'nodes', '--request-timeout=5s'], deps);
      return { ok: result.exitCode !== 0, detail: lastOutput(result, 1) };
    }),
    await prove('the client certificate for etcd in the checkpoint has expired', async () => {
      const { secrets } = await findCheckpoint(cluster, 'kube-apiserver', deps);
      const path = `${secrets}/kube-apiserver/etcd-client.crt`;
      const result = await execOnNode(cluster, ['openssl', 'x509', '-noout', '-checkend', '0', '-in', path], deps);
      return { ok: result.exitCode === 1, detail: lastOutput(result, 1) };
    }),
  ],
};
