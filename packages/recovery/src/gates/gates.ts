import { fieldsAt, listAt, textAt } from '@kube-rescue/cluster-objects';
import { printable } from '@kube-rescue/errors';
import { findKubeletStart, findPodStart, waitForStableComponent } from '@kube-rescue/static-manifests';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import {
  describeNode,
  findNodeName,
  findPod,
  type NodeDeps,
  type NodeDescription,
  type NodeOptions,
  readApi,
  servingSerial,
} from '@kube-rescue/node';
import { createGateStep } from './gate-step.ts';

const STABLE_WINDOW_MS = 3_000;
const STABLE_INTERVAL_MS = 200;
const API_TIMEOUT_MS = 120_000;
const LEASE_TIMEOUT_MS = 120_000;
const NODE_TIMEOUT_MS = 120_000;
/** Components renew their leases every few seconds; one that is older belongs to the dead. */
const FRESH_LEASE_MS = 20_000;

/** The API server answers for a whole window, from one process, with the certificate that is on the disk. */
export function createApiGate(options: NodeOptions, deps: NodeDeps, requires: readonly StepId[]): Step {
  return createGateStep(
    {
      id: 'control-plane/api-stable',
      title: 'see the API server answer for a whole window, with its new certificate',
      requires,
      timeoutMs: API_TIMEOUT_MS,
      look: async (signal) => {
        const node = await describeNode(options, deps);
        const reading = await readApi('/readyz', node, deps, signal);
        if (reading.state === 'silent') return notYet(`the API server does not answer: ${reading.reason}`);
        if (reading.status !== 200) return notYet(`the API server is not ready: it answers ${reading.status}`);
        const expected = await servingSerial(node, deps);
        const { peer } = await deps.host.request({ url: `${node.apiServerUrl}/readyz`, timeoutMs: 5_000, signal });
        if (expected !== undefined && peer?.serialNumber !== expected)
          return notYet('the API server presents an old certificate');
        return {
          verified: true,
          evidence: [`${node.apiServerUrl}/readyz answers 200 with certificate ${expected}`],
        };
      },
      prove: async (signal, onProgress) => {
        const node = await describeNode(options, deps);
        const pod = findPod(node, 'kube-apiserver');
        if (pod === undefined) return notYet('there is no API server on this node');
        const stability = await waitForStableComponent(
          {
            pod,
            windowMs: STABLE_WINDOW_MS,
            intervalMs: STABLE_INTERVAL_MS,
            timeoutMs: API_TIMEOUT_MS,
            expectedSerial: await servingSerial(node, deps),
            signal,
            onProgress,
          },
          deps,
        );
        if (stability.state === 'stable') return { verified: true, evidence: stability.evidence };
        return { verified: false, reason: stability.reason, hint: 'read the log of the API server in /var/log/pods' };
      },
    },
    deps,
  );
}

/** The controller manager and the scheduler renew their leases, so they are at work with credentials that are accepted. */
export function createLeaseGate(
  component: string,
  options: NodeOptions,
  deps: NodeDeps,
  requires: readonly StepId[],
): Step {
  return createGateStep(
    {
      id: `control-plane/${component}-at-work`,
      title: `see ${component} at work`,
      requires,
      timeoutMs: LEASE_TIMEOUT_MS,
      look: async (signal) => {
        const node = await describeNode(options, deps);
        const pod = findPod(node, component);
        const since = pod && (await findPodStart(pod, deps));
        return judgeLease({ namespace: 'kube-system', name: component, since }, node, deps, signal);
      },
    },
    deps,
  );
}

/** The node is Ready, by a kubelet that renews its lease. */
export function createNodeGate(options: NodeOptions, deps: NodeDeps, requires: readonly StepId[]): Step {
  return createGateStep(
    {
      id: 'node/ready',
      title: 'see the node Ready',
      requires,
      timeoutMs: NODE_TIMEOUT_MS,
      look: async (signal) => {
        const description = await describeNode(options, deps);
        const name = await findNodeName(description, deps);
        const reading = await readApi(`/api/v1/nodes/${name}`, description, deps, signal);
        if (reading.state === 'silent') return notYet(`the API server does not answer: ${reading.reason}`);
        if (reading.status !== 200)
          return notYet(
            `the API server answers ${reading.status} when asked for the node ${name}: ${messageOf(reading.object)}`,
          );
        const conditions = listAt(fieldsAt(reading.object, 'status'), 'conditions');
        const ready = conditions.find((condition) => textAt(condition, 'type') === 'Ready');
        if (textAt(ready, 'status') !== 'True') {
          return notYet(`the node ${name} is not Ready: ${messageOf(ready)}`);
        }
        const since = await findKubeletStart(deps);
        return judgeLease({ namespace: 'kube-node-lease', name, since }, description, deps, signal);
      },
    },
    deps,
  );
}

async function judgeLease(
  lease: { readonly namespace: string; readonly name: string; readonly since: Date | undefined },
  node: NodeDescription,
  deps: NodeDeps,
  signal: AbortSignal,
): Promise<Verdict> {
  const { namespace, name, since } = lease;
  if (since === undefined) return notYet(`nothing runs here that would renew the lease of ${name}`);
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;
  const reading = await readApi(path, node, deps, signal);
  if (reading.state === 'silent') return notYet(`the API server does not answer: ${reading.reason}`);
  const renewed = textAt(fieldsAt(reading.object, 'spec'), 'renewTime');
  if (reading.status !== 200 || renewed === undefined) return notYet(`${name} holds no lease in ${namespace} yet`);
  const renewedAt = new Date(renewed).getTime();
  const isFresh = deps.clock.now().getTime() - renewedAt <= FRESH_LEASE_MS;
  // A lease that was renewed before the restart proves the credentials of the dead.
  if (!isFresh || renewedAt < since.getTime()) return notYet(`${name} has not renewed its lease since ${renewed}`);
  return { verified: true, evidence: [`${name} renewed its lease at ${renewed}`] };
}

/** What a condition or a `Status` of the API says. */
function messageOf(object: unknown): string {
  const message = textAt(object, 'message');
  return message === undefined ? 'it gives no reason' : printable(message);
}

function notYet(reason: string): Verdict {
  return { verified: false, reason, hint: 'read the logs of the component in /var/log/pods, and of the kubelet' };
}
