import type { ExecResult } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type EquippedNode, execOnNode } from './node-command.ts';

const PKI = '/etc/kubernetes/pki/etcd';

/** Runs etcdctl on the node with the health check's certificate of kubeadm; a non-zero exit is a result. */
export function etcdctl(node: EquippedNode, args: readonly string[], deps: LabDeps): Promise<ExecResult> {
  const credentials = [
    ...[`--cacert=${PKI}/ca.crt`, `--cert=${PKI}/healthcheck-client.crt`, `--key=${PKI}/healthcheck-client.key`],
    ...['--endpoints=https://127.0.0.1:2379', '--dial-timeout=2s', '--command-timeout=5s'],
  ];
  return execOnNode(node, ['etcdctl', ...credentials, ...args], deps);
}
