import type { ClusterScenario, LabDeps, Proof, SelfHostedCluster } from '@kube-rescue/lab';
import { proveDiagnosis, proveLeftDns, proveReportedCause, proveReportedNames } from './proofs/ingress-dns-proofs.ts';
import { nameProofs, proveAnswer } from './proofs/proofs.ts';
import { findSnapshot, recoverAndWatch, type RecoveryTimes, type Observations } from './recovery/recovery-watch.ts';
import { type DrillNode, type RescueAnswer, runRescue } from './rescue-command.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Options of a drill on a self-hosted cluster. */
export interface SelfHostedDrill {
  readonly via: 'etcd' | 'api';
  /** How long the API server is watched afterwards, in milliseconds. Default: that of the scenario. */
  readonly stableMs: number | undefined;
  /** Demonstrates the trap of a manual recovery, which takes minutes. */
  readonly trap: boolean;
  /** Passes new AWS keys to the recovery. Without keys the recovery leaves the ingress names broken, and warns. */
  readonly awsKeys: boolean;
  /** Ends once it is broken and proven to be down. */
  readonly breakOnly: boolean;
}

/** The kubeconfig that all nodes share. */
const KUBECONFIG = '/etc/kubernetes/kubeconfig';
/** The directory of the journals on a node. */
const RUNS = '/var/lib/kube-rescue/runs';
const PROBLEMS = 3;

interface Rehearsal {
  readonly cluster: SelfHostedCluster;
  readonly lab: typeof import('@kube-rescue/lab');
  readonly scenario: ClusterScenario<SelfHostedCluster>;
  readonly drill: SelfHostedDrill;
  readonly deps: LabDeps & { readonly signal: AbortSignal };
  readonly watch: Stopwatch;
  readonly proofs: Proof[];
  readonly onLine: (line: string) => void;
  /** The argv of kube-rescue on the node. Default: the npm package. */
  readonly program?: readonly string[] | undefined;
}

/**
 * Breaks a self-hosted cluster, proves that it is down, recovers it with one command on its control-plane node, proves that it
 * serves, and that a second recovery finds nothing to do. Stops at the first failed proof.
 */
export async function rehearseSelfHosted(rehearsal: Rehearsal): Promise<RecoveryTimes | undefined> {
  const { cluster, lab, scenario, drill, deps, watch, proofs } = rehearsal;
  const collect = (kind: string, found: readonly Proof[]): boolean => {
    proofs.push(...nameProofs(kind, found));
    return found.every(({ ok }) => ok);
  };
  const node = withOutsideWorld(cluster);
  const printed: string[] = [];
  const rescue = async (...args: readonly string[]): Promise<RescueAnswer> => {
    const own = { host: deps.host, signal: deps.signal, onLine: rehearsal.onLine, program: rehearsal.program };
    const answer = await runRescue(node, args, own);
    printed.push(answer.output);
    return answer;
  };
  const recover = (): Promise<RescueAnswer> => rescue('recover', ...flagsOf(rehearsal), '--yes');
  const since = deps.clock.now();
  await watch.measure(`break it: ${scenario.what}`, () => scenario.breakCluster(cluster, deps));
  const death = await watch.measure('prove that it is down', () => scenario.proveDeath(cluster, deps));
  if (!collect('death', death) || drill.breakOnly) return undefined;
  const diagnosis = await watch.measure('judge the ingress DNS of a dead cluster', () =>
    rescue('dns', 'check', '--via', 'etcd', ...probesOf(rehearsal)),
  );
  const isDiagnosed = collect('death', [
    proveDiagnosis('kube-rescue dns check names the AWS keys while the API server is down', diagnosis),
    await lab.proveShopUnknown(cluster, deps),
  ]);
  if (!isDiagnosed) return undefined;
  if (drill.trap && scenario.proveTrap !== undefined) {
    const trap = await watch.measure('walk into the trap', async () => scenario.proveTrap?.(cluster, deps) ?? []);
    if (!collect('trap', trap)) return undefined;
  }
  const { answer, times } = await watch.measure('recover', () => {
    const question = { kubeconfig: cluster.kubeconfig ?? KUBECONFIG };
    const observations: Observations = {
      workloads: (signal) => lab.seeNewWorkload(cluster, { ...deps, signal }),
      service: drill.awsKeys ? (signal) => lab.seeShopByName(cluster, { ...deps, signal }) : undefined,
    };
    return recoverAndWatch(cluster, question, observations, recover, deps);
  });
  const recovered = drill.awsKeys
    ? proveAnswer('kube-rescue recover brings it back', answer, 'done')
    : proveLeftDns('kube-rescue recover brings it back, and names the AWS keys as the one thing left', answer);
  if (!collect('recover', [recovered])) return times;
  const { stableMs } = drill;
  const life = await watch.measure('prove that it lives', () => scenario.proveLife(cluster, { since, stableMs }, deps));
  if (!collect('life', life)) return times;
  const report = await rescue('report', times.runId ?? '');
  const names = drill.awsKeys
    ? [
        await lab.proveShopByName(cluster, deps),
        proveReportedNames('kube-rescue report has what brought the names back', report),
      ]
    : [
        await lab.proveShopUnknown(cluster, deps),
        proveReportedCause('kube-rescue report names the AWS keys as left to be done', report),
      ];
  if (!collect('names', names)) return times;
  if (!collect('backup', [await lab.proveEtcdSnapshot(cluster, findSnapshot(answer), deps)])) return times;
  const second = await watch.measure('recover once more', recover);
  const exitCode = drill.awsKeys ? 0 : PROBLEMS;
  collect('second-recover', [proveAnswer('it finds nothing to do', second, 'nothing-to-do', exitCode)]);
  collect('secrecy', [await lab.proveSecrecy(cluster, { printed, journals: RUNS }, deps)]);
  return times;
}

/** Sets the AWS environment of the operator: the lab has its own AWS endpoint. */
function withOutsideWorld({ enter, serviceCommand, outside }: SelfHostedCluster): DrillNode {
  const aws = [`AWS_ENDPOINT_URL=${outside.awsEndpoint}`, 'AWS_REGION=us-east-1'];
  return { serviceCommand, enter: () => [...enter(), 'env', ...aws] };
}

/** The flags that the operator would type on the control-plane node. */
function flagsOf(rehearsal: Rehearsal): readonly string[] {
  const { cluster, scenario, drill } = rehearsal;
  const { user, port, identity, knownHosts } = cluster.ssh;
  const { node, serviceCommand } = cluster.worker;
  return [
    ...(scenario.recoverFlags ?? []),
    ...['--via', drill.via],
    ...['--join', `${user}@${node.name}`, '--ssh-port', String(port)],
    ...['--ssh-identity', identity, '--ssh-known-hosts', knownHosts],
    ...['--ssh-service-command', serviceCommand],
    ...(drill.awsKeys ? ['--aws-credentials', cluster.outside.keysFile] : []),
    ...probesOf(rehearsal),
  ];
}

/** Flags for DNS and HTTP in the lab: its resolver, and plain HTTP. */
function probesOf({ cluster }: Rehearsal): readonly string[] {
  return ['--resolver', cluster.outside.resolver, '--scheme', 'http'];
}
