import type { Certificate } from '@kube-rescue/x509';
import { issueProbeCertificate } from '@kube-rescue/cert-rotation';
import { fieldsAt, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { hostPath, joinPath } from '@kube-rescue/host';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { type Node, type NodeDescription } from '@kube-rescue/node';
import { createGateStep } from '../gates/gate-step.ts';
import { inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

/** They look once a minute; the rest is for a machine that is busy. */
const REREAD_TIMEOUT_MS = 180_000;
const REQUEST_TIMEOUT_MS = 5_000;
const KUBELET_PORT = '10250';

interface GateIds {
  readonly id: StepId;
  readonly requires: readonly StepId[];
}

/**
 * The API server and this node's kubelet let a client in whom the new CA has signed, by asking them with such a certificate: one
 * that may do nothing, so that they answer 403 to a client they know and 401 to one they do not.
 */
export function createClientAcceptanceGate({ id, requires }: GateIds, input: RotationInput, node: Node): Step {
  return createGateStep(
    {
      id,
      title: 'see clients of the new CA let in',
      requires,
      timeoutMs: REREAD_TIMEOUT_MS,
      look: async (signal) => {
        const { node: description, state } = await inspectRotationOfNode(input, node);
        if (state.stage === 'settled') return { verified: true, evidence: ['no rotation is under way'] };
        const client = await issueProbeCertificate(state.next ?? state.current, node.clock.now());
        const servers = [
          { name: 'the API server', url: `${description.apiServerUrl}/api/v1/nodes` },
          { name: 'the kubelet', url: `https://${kubeletAddress(description)}:${KUBELET_PORT}/pods` },
        ];
        for (const { name, url } of servers) {
          const status = await ask(url, client, node, signal);
          if (status !== 403) return notYet(`${name} answers ${status} to a client of the new CA`);
        }
        return {
          verified: true,
          evidence: ['the API server and the kubelet know a client that the new CA has signed'],
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

/** The API server publishes what it trusts for extension API servers, from its memory: the new CA must be in it. */
export function createPublishedTrustGate(
  { id, requires }: GateIds,
  input: RotationInput & { readonly ca: keyof typeof PUBLISHED_KEYS },
  node: Node,
): Step {
  return createGateStep(
    {
      id,
      title: 'see the API server trust the new CA',
      requires,
      timeoutMs: REREAD_TIMEOUT_MS,
      look: async (signal) => {
        const { state } = await inspectRotationOfNode(input, node);
        const wanted = (state.next ?? state.current).certificate;
        const reading = await node.api.read(PUBLISHED, signal);
        if (reading.state === 'silent') return notYet(`the API server does not answer: ${reading.reason}`);
        const text = textAt(fieldsAt(reading.object, 'data'), PUBLISHED_KEYS[input.ca]);
        if (text === undefined || !holds(text, wanted))
          return notYet('the API server has not published the new CA to extension API servers yet');
        return { verified: true, evidence: [`extension-apiserver-authentication holds the new CA`] };
      },
    },
    node,
  );
}

/** What the kubelet has mounted into the pods of this node; they read it there, some of them at their start only. */
export function createMountedTrustGate({ id, requires }: GateIds, input: RotationInput, node: Node): Step {
  const { host } = node;
  return createGateStep(
    {
      id,
      title: 'see the new CA in the pods of this node',
      requires,
      timeoutMs: REREAD_TIMEOUT_MS,
      look: async () => {
        const { state } = await inspectRotationOfNode(input, node);
        const { current, next } = state;
        if (next === undefined) return { verified: true, evidence: ['the new CA signs already'] };
        const files = await listMounted(host);
        const old: string[] = [];
        for (const path of files) {
          const text = Buffer.from((await host.readFile(hostPath(path))) ?? new Uint8Array()).toString('latin1');
          if (holds(text, current.certificate) && !holds(text, next.certificate)) old.push(path);
        }
        if (old[0] !== undefined) return notYet(`${old.length} of ${files.length} pods are not handed the new CA yet`);
        return { verified: true, evidence: [`${files.length} volumes of pods on this node hold it`] };
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
      const folder = joinPath(PODS, uid, 'volumes', plugin);
      for (const volume of (await host.list(folder)) ?? []) {
        const path = joinPath(folder, volume, 'ca.crt');
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
    hint: 'read its log in /var/log/pods; a version that does not read the CA again has to be restarted',
  };
}
