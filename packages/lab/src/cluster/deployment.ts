import type { LabDeps } from '../machine/lab-deps.ts';
import { WEB_ANSWER, WEB_IMAGE } from '../kubernetes/images.ts';
import { type EquippedNode, execOnNode, runOnNode } from './node-command.ts';
import { type WaitStatus, waitFor } from '../machine/waiting.ts';

/** The workload that every lab cluster runs before it is broken. */
export const WEB_DEPLOYMENT = 'web';
const REPLICAS = 2;

/** The fields of a pod that the lab reads. */
export interface WorkloadPod {
  readonly name: string;
  readonly uid: string;
  readonly ready: boolean;
  readonly address: string | undefined;
  /** The running container, without the runtime's scheme in front. */
  readonly containerId: string | undefined;
  readonly startedAt: Date | undefined;
}

/** Creates a Deployment of small web servers. */
export async function createDeployment(at: EquippedNode, name: string, deps: LabDeps): Promise<void> {
  await runOnNode(at, ['kubectl', 'create', '--request-timeout=5s', '-f', '-'], deps, {
    input: JSON.stringify(deployment(name)),
  });
}

/**
 * Waits until every pod of a Deployment runs, is ready, and answers on its own address.
 *
 * @param startedSince only containers that were started since then count
 */
export async function waitForDeployment(
  at: EquippedNode,
  {
    name,
    deadlineMs,
    startedSince,
    intervalMs = 300,
  }: { name: string; deadlineMs: number; startedSince?: Date | undefined; intervalMs?: number },
  deps: LabDeps,
): Promise<readonly WorkloadPod[]> {
  return waitFor(deps, {
    subject: `deployment/${name}`,
    deadlineMs,
    intervalMs,
    check: () => checkDeployment(at, name, startedSince, deps),
  });
}

async function checkDeployment(
  at: EquippedNode,
  name: string,
  startedSince: Date | undefined,
  deps: LabDeps,
): Promise<WaitStatus<readonly WorkloadPod[]>> {
  const argv = [
    'kubectl',
    'get',
    'pods',
    '--selector',
    `app=${name}`,
    '--output',
    'json',
    '--request-timeout=5s',
  ] as const;
  const listed = await execOnNode(at, argv, deps);
  if (listed.exitCode !== 0) return { waitingFor: listed.stderr.trim() };
  const pods = parsePods(listed.stdout);
  if (pods.length !== REPLICAS) return { waitingFor: `${pods.length} of ${REPLICAS} pods exist` };
  for (const pod of pods) {
    if (!pod.ready || pod.address === undefined) return { waitingFor: `pod ${pod.name} is not ready` };
    if (startedSince !== undefined && (pod.startedAt === undefined || pod.startedAt < startedSince)) {
      return { waitingFor: `pod ${pod.name} still has a container from before` };
    }
    const answer = await execOnNode(at, ['curl', '--silent', '--max-time', '3', `http://${pod.address}:8080/`], deps);
    if (answer.stdout.trim() !== WEB_ANSWER) return { waitingFor: `pod ${pod.name} does not answer` };
  }
  return { value: pods };
}

interface PodDocument {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly containerID?: string;
      readonly state?: { readonly running?: { readonly startedAt: string } };
    }[];
  };
}

/** @param json a PodList as kubectl prints it */
export function parsePods(json: string): readonly WorkloadPod[] {
  const { items } = JSON.parse(json) as { items: readonly PodDocument[] };
  return items.map(({ metadata, status }) => {
    const container = status.containerStatuses?.[0];
    const startedAt = container?.state?.running?.startedAt;
    return {
      name: metadata.name,
      uid: metadata.uid,
      ready: status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
      address: status.podIP,
      containerId: startedAt === undefined ? undefined : container?.containerID?.replace(/^\w+:\/\//, ''),
      startedAt: startedAt === undefined ? undefined : new Date(startedAt),
    };
  });
}

function deployment(name: string): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: REPLICAS,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'web',
              image: WEB_IMAGE,
              imagePullPolicy: 'Never',
              readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
}
