import type { ExecResult } from '@kube-rescue/host';
import type { Argv } from '../../machine/command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { ETCD_TLS_DIRECTORY, ETCD_URL } from '../../self-hosted/layout.ts';

const LIMITS = ['--dial-timeout=3s', '--command-timeout=5s'] as const;

/** Runs etcdctl with the CA, certificate and key that etcd accepts. @param endpoint default: the advertised one */
export function etcdctl(
  cluster: SelfHostedCluster,
  args: readonly string[],
  deps: LabDeps,
  endpoint: string = ETCD_URL,
): Promise<ExecResult> {
  const credentials = [
    `--cacert=${ETCD_TLS_DIRECTORY}/ca.crt`,
    `--cert=${ETCD_TLS_DIRECTORY}/client.crt`,
    `--key=${ETCD_TLS_DIRECTORY}/client.key`,
  ];
  return execOnNode(cluster, ['etcdctl', `--endpoints=${endpoint}`, ...credentials, ...LIMITS, ...args], deps);
}

/** Runs etcdctl without endpoint and credentials. */
export function plainEtcdctl(cluster: SelfHostedCluster, args: readonly string[], deps: LabDeps): Promise<ExecResult> {
  const argv: Argv = ['etcdctl', ...LIMITS, ...args];
  return execOnNode(cluster, argv, deps);
}

/** Lists the keys in etcd below `prefix`. */
export async function etcdKeys(cluster: SelfHostedCluster, prefix: string, deps: LabDeps): Promise<readonly string[]> {
  const { stdout } = await etcdctl(cluster, ['get', prefix, '--prefix', '--keys-only'], deps);
  return stdout.split('\n').filter((line) => line !== '');
}
