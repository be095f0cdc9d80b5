import type { ClusterScenario, LabDeps, Proof, SelfHostedCluster } from '@kube-rescue/lab';
import { nameProofs, proveAnswer } from './proofs.ts';
import { findSnapshot, recoverAndWatch, type RecoveryTimes } from './recovery-watch.ts';
import { type DrillNode, type RescueAnswer, runRescue } from './rescue-command.ts';
import type { Stopwatch } from './stopwatch.ts';

/** How a self-hosted cluster is rehearsed with. */
export interface SelfHostedDrill {
  readonly via: 'etcd' | 'api';
  /** How long the API server is watched afterwards, in milliseconds. Default: as long as the scenario thinks fit. */
  readonly stableMs: number | undefined;
  /** Walks into what a recovery by hand would walk into first, which takes minutes. */
  readonly trap: boolean;
}

/** The one that every node of such a cluster shares. */
const KUBECONFIG = '/etc/kubernetes/kubeconfig';

interface Rehearsal {
  readonly cluster: SelfHostedCluster;
  readonly lab: typeof import('@kube-rescue/lab');
  readonly scenario: ClusterScenario<SelfHostedCluster>;
  readonly drill: SelfHostedDrill;
  readonly deps: LabDeps & { readonly signal: AbortSignal };
  readonly watch: Stopwatch;
  readonly proofs: Proof[];
  readonly onLine: (line: string) => void;
}

/**
 * Breaks a self-hosted cluster, proves it dead, recovers it with one command on its control-plane node, proves it alive, and
 * sees a second recovery find nothing to do. Stops at the first thing that is not as it must be.
 */
export async function rehearseSelfHosted(rehearsal: Rehearsal): Promise<RecoveryTimes | undefined> {
  const { cluster, lab, scenario, drill, deps, watch, proofs } = rehearsal;
  const collect = (kind: string, found: readonly Proof[]): boolean => {
    proofs.push(...nameProofs(kind, found));
    return found.every(({ ok }) => ok);
  };
  const own = { host: deps.host, signal: deps.signal, onLine: rehearsal.onLine };
  const node = withOutsideWorld(cluster);
  const recover = (): Promise<RescueAnswer> => runRescue(node, ['recover', ...flagsOf(rehearsal), '--yes'], own);
  const since = deps.clock.now();
  await watch.measure(`break it: ${scenario.what}`, () => scenario.breakCluster(cluster, deps));
  const death = await watch.measure('prove that it is dead', () => scenario.proveDeath(cluster, deps));
  if (!collect('death', death)) return undefined;
  if (drill.trap && scenario.proveTrap !== undefined) {
    const trap = await watch.measure('walk into the trap', async () => scenario.proveTrap?.(cluster, deps) ?? []);
    if (!collect('trap', trap)) return undefined;
  }
  const { answer, times } = await watch.measure('recover', () => {
    return recoverAndWatch(cluster, { kubeconfig: cluster.kubeconfig ?? KUBECONFIG }, recover, deps);
  });
  if (!collect('recover', [proveAnswer('kube-rescue recover brings it back', answer, 'done')])) return times;
  const { stableMs } = drill;
  const life = await watch.measure('prove that it lives', () => scenario.proveLife(cluster, { since, stableMs }, deps));
  if (!collect('life', life)) return times;
  if (!collect('backup', [await lab.proveEtcdSnapshot(cluster, findSnapshot(answer), deps)])) return times;
  const second = await watch.measure('recover once more', recover);
  collect('second-recover', [proveAnswer('it finds nothing to do', second, 'nothing-to-do')]);
  return times;
}

/** As somebody who works on the node has AWS set up: the lab's is elsewhere than the real one. */
function withOutsideWorld({ enter, serviceCommand, outside }: SelfHostedCluster): DrillNode {
  const aws = [`AWS_ENDPOINT_URL=${outside.awsEndpoint}`, 'AWS_REGION=us-east-1'];
  return { serviceCommand, enter: () => [...enter(), 'env', ...aws] };
}

/** What a person at the control-plane node would type. */
function flagsOf({ cluster, scenario, drill }: Rehearsal): readonly string[] {
  const { outside, ssh } = cluster;
  const { user, port, identity, knownHosts } = ssh;
  const { node, serviceCommand } = cluster.worker;
  return [
    ...(scenario.recoverFlags ?? []),
    ...['--via', drill.via],
    ...['--join', `${user}@${node.name}`, '--ssh-port', String(port)],
    ...['--ssh-identity', identity, '--ssh-known-hosts', knownHosts],
    ...['--ssh-service-command', serviceCommand],
    ...['--aws-credentials', outside.keysFile, '--resolver', outside.resolver, '--scheme', 'http'],
  ];
}
