import { type Certificate, readCertificates } from '@kube-rescue/x509';
import { issueProbeCertificate, issueUntrustedProbe } from '@kube-rescue/cert-rotation/rotation';
import { fieldsAt, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { hostPath, joinPath } from '@kube-rescue/host';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { type Node, type NodeDescription, servingCertificate } from '@kube-rescue/node';
import { createGateStep } from '../gates/gate-step.ts';
import { kubeletUrl } from '../gates/kubelet-url.ts';
import { inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

/** The API server and the kubelet reload their CA once a minute; the rest is for a busy machine. */
const REREAD_TIMEOUT_MS = 180_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** With serverTLSBootstrap, the kubelet keeps its signed serving certificate here. */
const SIGNED_SERVING = hostPath('/var/lib/kubelet/pki/kubelet-server-current.pem');

interface GateIds {
  readonly id: StepId;
  readonly requires: readonly StepId[];
}

/** A server of this node, and what identifies it. */
interface Server {
  readonly name: string;
  readonly url: string;
  /** SHA-256 fingerprints of its serving certificates on disk: a server that presents one holds its key. */
  readonly fingerprints: readonly string[];
}

/**
 * Verifies that the API server and this node's kubelet accept a client certificate of the new CA, by a request with a probe
 * certificate without permissions: 403 means authenticated, 401 means not.
 *
 * An answer counts only from the server itself: its certificate is the one on disk, or verifies by the CAs on disk for the name
 * that was asked. A certificate of a CA that no server knows must be refused, otherwise a 403 proves nothing.
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
        const ca = Buffer.from((await node.host.readFile(state.files.certificate)) ?? []).toString('latin1');
        const probe = { node, ca, signal };
        const client = await issueProbeCertificate(state.next ?? state.current, node.clock.now());
        const unknown = await issueUntrustedProbe(node.clock.now());
        const evidence: string[] = [];
        for (const server of await listServers(description, node)) {
          const accepted = await ask(server, client, probe);
          if (accepted.status !== 403)
            return notYet(`${server.name} answers ${accepted.status} to a client certificate of the new CA`);
          const refused = await ask(server, unknown, probe);
          if (refused.status !== 401)
            return notYet(
              `${server.name} answers ${refused.status} to a client certificate of an unknown CA: it does not verify clients`,
            );
          evidence.push(`${server.name} (${accepted.proof}) accepts a client certificate of the new CA`);
        }
        return { verified: true, evidence };
      },
    },
    node,
  );
}

async function listServers(description: NodeDescription, node: Node): Promise<readonly Server[]> {
  const fingerprintsOf = async (id: 'apiserver' | 'kubelet-serving'): Promise<readonly string[]> => {
    const certificate = await servingCertificate(id, description, node);
    return certificate === undefined ? [] : [certificate.fingerprint256];
  };
  const current = await node.host.readFile(SIGNED_SERVING);
  const signed = current === undefined ? undefined : readCertificates(Buffer.from(current).toString('latin1'))[0];
  return [
    {
      name: 'the API server',
      url: `${description.apiServerUrl}/api/v1/nodes`,
      fingerprints: await fingerprintsOf('apiserver'),
    },
    {
      name: 'the kubelet',
      url: kubeletUrl(description, '/pods'),
      fingerprints: [
        ...(await fingerprintsOf('kubelet-serving')),
        ...(signed === undefined ? [] : [signed.fingerprint256]),
      ],
    },
  ];
}

/** The status of the server itself, with the proof that it is the server; otherwise the reason as the status. */
async function ask(
  { url, fingerprints }: Server,
  client: { readonly certificate: string; readonly key: string },
  { node, ca, signal }: { readonly node: Node; readonly ca: string; readonly signal: AbortSignal },
): Promise<{ readonly status: number | string; readonly proof: string }> {
  try {
    const { status, peer } = await node.host.request({ url, ca, client, timeoutMs: REQUEST_TIMEOUT_MS, signal });
    if (peer !== undefined && fingerprints.includes(peer.fingerprint256)) {
      return { status, proof: 'with its certificate on disk' };
    }
    if (peer?.trusted === true) return { status, proof: 'with a certificate of the CA on disk' };
    const why = peer?.reason ?? 'it has none';
    return { status: `with a certificate that is neither the one on disk nor trusted (${why})`, proof: '' };
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return { status: `nothing (${error.message})`, proof: '' };
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
