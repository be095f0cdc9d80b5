import { fieldsAt, listAt, textAt } from '@kube-rescue/cluster-objects';
import { printable } from '@kube-rescue/errors';
import { findKubeletStart, waitForStableComponent } from '@kube-rescue/static-manifests';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { findNodeName, findPod, type Node, servingCertificate, servingSerial } from '@kube-rescue/node';
import { API_STABLE } from '../step-ids.ts';
import { createGateStep } from './gate-step.ts';

const STABLE_WINDOW_MS = 3_000;
const STABLE_INTERVAL_MS = 200;
const API_TIMEOUT_MS = 120_000;
const NODE_TIMEOUT_MS = 120_000;
/** A kubelet renews its lease every ten seconds; an older lease belongs to an ended process. */
const FRESH_LEASE_MS = 20_000;

/** The API server answers for a whole window, from one process, with the certificate in its file. */
export function createApiGate(node: Node, requires: readonly StepId[]): Step {
  return createGateStep(
    {
      id: API_STABLE,
      title: 'wait for a stable API server with its new certificate',
      requires,
      timeoutMs: API_TIMEOUT_MS,
      observe: async (signal) => {
        const description = await node.describe();
        const reading = await node.api.read('/readyz', signal);
        if (reading.state === 'unanswered') return notYet(`the API server does not answer: ${reading.reason}`);
        if (reading.status !== 200) return notYet(`the API server is not ready: it answers ${reading.status}`);
        const expected = await servingCertificate('apiserver', description, node);
        const { peer } = await node.host.request({
          url: `${description.apiServerUrl}/readyz`,
          timeoutMs: 5_000,
          signal,
        });
        if (expected !== undefined && peer?.fingerprint256 !== expected.fingerprint256)
          return notYet('the API server presents another certificate than the one on disk');
        const which = expected?.serialNumber.toUpperCase() ?? peer?.serialNumber;
        return {
          verified: true,
          evidence: [`${description.apiServerUrl}/readyz answers 200 with certificate ${which}`],
        };
      },
      prove: async (signal, onProgress) => {
        const description = await node.describe();
        const pod = findPod(description, 'kube-apiserver');
        if (pod === undefined) return notYet('no API server on this node');
        const stability = await waitForStableComponent(
          {
            pod,
            windowMs: STABLE_WINDOW_MS,
            intervalMs: STABLE_INTERVAL_MS,
            timeoutMs: API_TIMEOUT_MS,
            expectedSerial: await servingSerial(description, node),
            signal,
            onProgress,
          },
          node,
        );
        if (stability.state === 'stable') return { verified: true, evidence: stability.evidence };
        return { verified: false, reason: stability.reason, hint: 'read the log of the API server in /var/log/pods' };
      },
    },
    node,
  );
}

/** The node is Ready, and its kubelet renews its lease. */
export function createNodeGate(node: Node, requires: readonly StepId[]): Step {
  return createGateStep(
    {
      id: 'node/ready',
      title: 'wait for the node to be Ready',
      requires,
      timeoutMs: NODE_TIMEOUT_MS,
      observe: async (signal) => {
        const name = await findNodeName(await node.describe(), node);
        const reading = await node.api.read(`/api/v1/nodes/${name}`, signal);
        if (reading.state === 'unanswered') return notYet(`the API server does not answer: ${reading.reason}`);
        if (reading.status !== 200)
          return notYet(
            `the API server answers ${reading.status} when asked for the node ${name}: ${messageOf(reading.object)}`,
          );
        const conditions = listAt(fieldsAt(reading.object, 'status'), 'conditions');
        const ready = conditions.find((condition) => textAt(condition, 'type') === 'Ready');
        if (textAt(ready, 'status') !== 'True') {
          return notYet(`the node ${name} is not Ready: ${messageOf(ready)}`);
        }
        const since = await findKubeletStart(node);
        return judgeNodeLease(name, since, node, signal);
      },
    },
    node,
  );
}

async function judgeNodeLease(
  name: string,
  since: Date | undefined,
  node: Pick<Node, 'api' | 'clock'>,
  signal: AbortSignal,
): Promise<Verdict> {
  if (since === undefined) return notYet(`no process on this node renews the lease of ${name}`);
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`;
  const reading = await node.api.read(path, signal);
  if (reading.state === 'unanswered') return notYet(`the API server does not answer: ${reading.reason}`);
  const renewed = textAt(fieldsAt(reading.object, 'spec'), 'renewTime');
  if (reading.status !== 200 || renewed === undefined) return notYet(`${name} holds no lease in kube-node-lease yet`);
  const renewedAt = new Date(renewed).getTime();
  const isFresh = node.clock.now().getTime() - renewedAt <= FRESH_LEASE_MS;
  // A lease renewed before the restart only proves the credentials of the old process.
  if (!isFresh || renewedAt < since.getTime()) return notYet(`${name} has not renewed its lease since ${renewed}`);
  return { verified: true, evidence: [`${name} renewed its lease at ${renewed}`] };
}

/** The message of a condition or of a `Status`. */
function messageOf(object: unknown): string {
  const message = textAt(object, 'message');
  return message === undefined ? 'no reason given' : printable(message);
}

export function notYet(reason: string): Verdict {
  return {
    verified: false,
    reason,
    hint: 'read the logs of the component in /var/log/pods and the log of the kubelet',
  };
}
