import type { Certificate } from '@kube-rescue/x509';
import { issueProbeCertificate } from '@kube-rescue/cert-rotation';
import { fieldsAt, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { hostPath, joinPath } from '@kube-rescue/host';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { type Node, type NodeDescription } from '@kube-rescue/node';
import { createGateStep } from '../gates/gate-step.ts';
import { inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

/** The API server and the kubelet reload their CA once a minute; the rest is for a busy machine. */
const REREAD_TIMEOUT_MS = 180_000;
const REQUEST_TIMEOUT_MS = 5_000;
const KUBELET_PORT = '10250';

interface GateIds {
  readonly id: StepId;
  readonly requires: readonly StepId[];
}

/**
 * Verifies that the API server and this node's kubelet accept a client certificate of the new CA, by a request with a probe
 * certificate without permissions: 403 means authenticated, 401 means not.
 */
export function createClientAcceptanceGate({ id, requires }: GateIds, input: RotationInput, node: Node): Step {
  return createGateStep(
    {
      id,
      title: 'verify that clients with a certificate of the new CA are accepted',
      requires,
      timeoutMs: REREAD_TIMEOUT_MS,
      observe: async (signal) => {
        const { node: description, state } = await inspectRotationOfNode(input, node);
        if (state.stage === 'settled') return { verified: true, evidence: ['no rotation is under way'] };
        const client = await issueProbeCertificate(state.next ?? state.current, node.clock.now());
        const servers = [
          { name: 'the API server', url: `${description.apiServerUrl}/api/v1/nodes` },
          { name: 'the kubelet', url: `https://${kubeletAddress(description)}:${KUBELET_PORT}/pods` },
        ];
        for (const { name, url } of servers) {
          const status = await ask(url, client, node, signal);
          if (status !== 403) return notYet(`${name} answers ${status} to a client certificate of the new CA`);
        }
        return {
          verified: true,
          evidence: ['the API server and the kubelet accept a client certificate of the new CA'],
        };
      },
    },
    node,
  );
}

function kubeletAddress({ kubelet }: NodeDescription): string {
  const address = kubelet.nodeIp ?? '127.0.0.1';
  return address.includes(':') ? `[${address}]` : address;
}

async function ask(
  url: string,
  client: { readonly certificate: string; readonly key: string },
  { host }: Node,
  signal: AbortSignal,
): Promise<number | string> {
  try {
    return (await host.request({ url, client, timeoutMs: REQUEST_TIMEOUT_MS, signal })).status;
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return error.message;
  }
}

const PUBLISHED = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
const PUBLISHED_KEYS = { cluster: 'client-ca-file', 'front-proxy': 'requestheader-client-ca-file' } as const;

/** Verifies that the API server trusts the new CA, by the bundle that it publishes from memory to extension API servers. */
export function createPublishedTrustGate(
  { id, requires }: GateIds,
  input: RotationInput & { readonly ca: keyof typeof PUBLISHED_KEYS },
  node: Node,
): Step {
  return createGateStep(
    {
      id,
      title: 'verify that the API server trusts the new CA',
      requires,
      timeoutMs: REREAD_TIMEOUT_MS,
      observe: async (signal) => {
        const { state } = await inspectRotationOfNode(input, node);
        const wanted = (state.next ?? state.current).certificate;
        const reading = await node.api.read(PUBLISHED, signal);
        if (reading.state === 'unanswered') return notYet(`the API server does not answer: ${reading.reason}`);
        const text = textAt(fieldsAt(reading.object, 'data'), PUBLISHED_KEYS[input.ca]);
        if (text === undefined || !holds(text, wanted))
          return notYet('the API server has not yet published the new CA to extension API servers');
        return { verified: true, evidence: [`extension-apiserver-authentication holds the new CA`] };
      },
    },
    node,
  );
}

/** Verifies that the kubelet has mounted the new CA into the pods of this node. Does not prove that a pod has reloaded it. */
export function createMountedTrustGate({ id, requires }: GateIds, input: RotationInput, node: Node): Step {
  const { host } = node;
  return createGateStep(
    {
      id,
      title: 'verify that the pods of this node have the new CA',
      requires,
      timeoutMs: REREAD_TIMEOUT_MS,
      observe: async () => {
        const { state } = await inspectRotationOfNode(input, node);
        const { current, next } = state;
        if (next === undefined) return { verified: true, evidence: ['the new CA signs already'] };
        const files = await listMounted(host);
        const old: string[] = [];
        for (const path of files) {
          const text = Buffer.from((await host.readFile(hostPath(path))) ?? new Uint8Array()).toString('latin1');
          if (holds(text, current.certificate) && !holds(text, next.certificate)) old.push(path);
        }
        if (old[0] !== undefined)
          return notYet(`${old.length} of ${files.length} volumes of pods on this node do not hold the new CA yet`);
        return { verified: true, evidence: [`${files.length} volumes of pods on this node hold the new CA`] };
      },
    },
    node,
  );
}

const PODS = hostPath('/var/lib/kubelet/pods');
const PLUGINS = ['kubernetes.io~secret', 'kubernetes.io~projected'];

async function listMounted(host: Node['host']): Promise<readonly string[]> {
  const files: string[] = [];
  for (const uid of (await host.list(PODS)) ?? []) {
    for (const plugin of PLUGINS) {
      const directory = joinPath(PODS, uid, 'volumes', plugin);
      for (const volume of (await host.list(directory)) ?? []) {
        const path = joinPath(directory, volume, 'ca.crt');
        if ((await host.stat(path)) !== undefined) files.push(path);
      }
    }
  }
  return files;
}

function holds(text: string, { x509 }: Certificate): boolean {
  const body = x509.raw.toString('base64');
  return text.replaceAll(/\s/g, '').includes(body);
}

function notYet(reason: string): Verdict {
  return {
    verified: false,
    reason,
    hint: 'read its log in /var/log/pods; restart a component that does not reload its CA',
  };
}
