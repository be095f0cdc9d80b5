import { fieldsAt, type KubernetesObject, type ObjectReference, objectPath } from '@kube-rescue/cluster-objects';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import { hostPath } from '@kube-rescue/host';
import { readKubeconfigClient, type StaticPod } from '@kube-rescue/node-config';
import { findPod, type Node, type NodeDescription } from '@kube-rescue/node';
import { isHeldBy, type Leader, type LeaderLock, leaderLockOf, readLeader } from '@kube-rescue/pod-bootstrap';
import { askHealth, findPodStaleness, findPodStart } from '@kube-rescue/static-manifests';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { createGateStep } from './gate-step.ts';
import { notYet } from './gates.ts';
import { readHostname } from './holder-machine.ts';

const TIMEOUT_MS = 120_000;
const REQUEST_TIMEOUT_MS = 5_000;

interface Component {
  readonly name: string;
  readonly pod: StaticPod;
  readonly since: Date;
  readonly flags: ReadonlyMap<string, string>;
}

/**
 * The controller manager or the scheduler of this node works: its own process renews the lock since it started. While another
 * control-plane node leads, or without an election, the process has started after its files changed, reports itself healthy, and
 * the API server accepts the credentials in its kubeconfig.
 *
 * A lock proves nothing for this node while another machine holds it, and nothing once its holder has ended: holders are
 * `HOSTNAME_UUID` (Kubernetes, `cmd/kube-controller-manager/app` and `cmd/kube-scheduler/app`), and on the network of the node the
 * host name is the machine's. Locks are Leases, before 1.20 also Endpoints and ConfigMaps.
 */
export function createLeaderGate(component: string, node: Node, requires: readonly StepId[]): Step {
  return createGateStep(
    {
      id: `control-plane/${component}-at-work`,
      title: `wait for ${component} of this node to work`,
      requires,
      timeoutMs: TIMEOUT_MS,
      observe: async (signal) => {
        const description = await node.describe();
        const pod = findPod(description, component);
        const since = pod && (await findPodStart(pod, node));
        if (pod === undefined || since === undefined) return notYet(`no process of ${component} runs on this node`);
        const flags =
          description.components.find((each) => each.component === component)?.flags ?? new Map<string, string>();
        return judge({ name: component, pod, since, flags }, description, node, signal);
      },
    },
    node,
  );
}

async function judge(
  component: Component,
  description: NodeDescription,
  node: Node,
  signal: AbortSignal,
): Promise<Verdict> {
  const { name, since, flags } = component;
  const lock = leaderLockOf(name, (flag) => flags.get(flag));
  if (lock === undefined) return judgeStandby(component, 'it elects no leader', description, node, signal);
  const reading = await read(lock, node, signal);
  if ('reason' in reading) return notYet(reading.reason);
  const { leader } = reading;
  if (leader === undefined) return notYet(`the lock ${lock.namespace}/${lock.name} has no holder yet`);
  const renewed = leader.renewedAt.toISOString();
  const isOwn = isHeldBy(leader, { name, hostname: undefined, hostNetwork: true, node: await readHostname(node) });
  if (!leader.isFresh) return notYet(`${leader.lock} was last renewed at ${renewed}, by ${leader.holder}`);
  if (!isOwn) {
    return judgeStandby(component, `${leader.holder} leads (${leader.lock})`, description, node, signal);
  }
  // A lock renewed before the restart only proves the credentials of the old process.
  if (leader.renewedAt < since) return notYet(`${name} has not renewed ${leader.lock} since ${renewed}`);
  return { verified: true, evidence: [`${leader.holder} of this node renewed ${leader.lock} at ${renewed}`] };
}

/** The process itself, where no lock speaks for it. */
async function judgeStandby(
  { name, pod, flags, since }: Component,
  why: string,
  { apiServerUrl }: NodeDescription,
  node: Node,
  signal: AbortSignal,
): Promise<Verdict> {
  const stale = await findPodStaleness({ pod, flags: { flags } }, node);
  if (stale !== undefined) return notYet(`${why}; ${stale}`);
  const health = await askHealth({ pod, signal }, node);
  if (health.state !== 'healthy') return notYet(`${why}; ${name} of this node is not healthy: ${health.evidence}`);
  const kubeconfig = flags.get('kubeconfig');
  const refusal = await whyRefused(kubeconfig, apiServerUrl, node, signal);
  if (refusal !== undefined) return notYet(`${why}; ${kubeconfig ?? name}: ${refusal}`);
  return {
    verified: true,
    evidence: [why, `${name} of this node has run since ${since.toISOString()}: ${health.evidence}`],
  };
}

/** Why the API server does not accept the credentials of a kubeconfig; `undefined` when it does, or without a kubeconfig. */
async function whyRefused(
  kubeconfig: string | undefined,
  server: string | undefined,
  { host }: Pick<Node, 'host'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (kubeconfig === undefined || server === undefined) return undefined;
  try {
    const { ca, certificate, key } = await readKubeconfigClient(hostPath(kubeconfig), { host });
    // Every authenticated user may ask what the API offers (system:discovery); others get 401, or 403 as anonymous.
    const url = `${server}/api`;
    const client = { certificate, key };
    const { status, peer } = await host.request({ url, timeoutMs: REQUEST_TIMEOUT_MS, signal, ca, client });
    if (peer?.trusted !== true) return `the API server is not trusted: ${peer?.reason ?? 'no certificate'}`;
    return status === 200 ? undefined : `the API server answers ${status}`;
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return describeError(error);
  }
}

/** The leader by the API server; an answer other than found or not found is no knowledge. */
async function read(
  lock: LeaderLock,
  { api, clock }: Pick<Node, 'api' | 'clock'>,
  signal: AbortSignal,
): Promise<{ readonly leader: Leader | undefined } | { readonly reason: string }> {
  let reason: string | undefined;
  const get = async (reference: ObjectReference) => {
    const reading = await api.read(objectPath(reference), signal);
    if (reading.state === 'unanswered') reason = `the API server does not answer: ${reading.reason}`;
    else if (reading.status === 200) return { object: fieldsAt(reading.object) as unknown as KubernetesObject };
    else if (reading.status !== 404) reason = `the API server answers ${reading.status} when asked for ${lock.name}`;
    return undefined;
  };
  const leader = await readLeader(lock, { store: { get }, clock }, signal);
  // Without the right to read one kind of lock, another may still tell.
  return leader === undefined && reason !== undefined ? { reason } : { leader };
}
