import { inspectCertificates } from '@kube-rescue/cert-rotation';
import { isRecoveryError } from '@kube-rescue/errors';
import { hostPath } from '@kube-rescue/host';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { type Node } from '@kube-rescue/node';
import { createGateStep } from '../gates/gate-step.ts';
import { inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

const TIMEOUT_MS = 90_000;
const REQUEST_TIMEOUT_MS = 5_000;
const CLIENT_URL = 'https://127.0.0.1:2379/health';

/**
 * Verifies that etcd presents the etcd server certificate of the disk, signed by the etcd CA of the disk, and accepts the API
 * server client certificate for etcd of the disk.
 */
export function createEtcdServingGate(
  { id, requires }: { readonly id: StepId; readonly requires: readonly StepId[] },
  input: RotationInput,
  node: Node,
): Step {
  const { host } = node;
  return createGateStep(
    {
      id,
      title: 'verify the etcd server certificate, and that etcd accepts the API server',
      requires,
      timeoutMs: TIMEOUT_MS,
      observe: async (signal) => {
        const { node: description, state } = await inspectRotationOfNode(input, node);
        const only = ['etcd/server', 'apiserver-etcd-client'] as const;
        const { certificates } = await inspectCertificates({ ...description.inspection, only }, node);
        const server = certificates.find(({ id: each }) => each === 'etcd/server')?.certificate;
        const client = certificates.find(({ id: each }) => each === 'apiserver-etcd-client');
        if (server?.ok !== true || client === undefined)
          return notYet('the etcd server certificate or the API server client certificate for etcd cannot be read');
        const text = async (path: string): Promise<string> =>
          Buffer.from((await host.readFile(hostPath(path))) ?? new Uint8Array()).toString('latin1');
        const pair = {
          certificate: await text(client.certificateLocation.path),
          key: await text(client.keyLocation.path),
        };
        try {
          const ca = await text(state.files.certificate);
          const answer = await host.request({
            url: CLIENT_URL,
            ca,
            client: pair,
            timeoutMs: REQUEST_TIMEOUT_MS,
            signal,
          });
          const expected = server.value.x509.serialNumber.toUpperCase();
          if (answer.peer?.serialNumber !== expected)
            return notYet('etcd presents another certificate than the one on disk');
          if (!answer.peer.trusted)
            return notYet(`the etcd server certificate is not trusted: ${answer.peer.reason ?? ''}`);
          if (answer.status !== 200) return notYet(`etcd answers ${answer.status}`);
          return {
            verified: true,
            evidence: [`etcd presents certificate ${expected} and accepts the API server client certificate`],
          };
        } catch (error) {
          signal.throwIfAborted();
          if (!isRecoveryError(error)) throw error;
          return notYet(error.message);
        }
      },
    },
    node,
  );
}

function notYet(reason: string): Verdict {
  return { verified: false, reason, hint: 'read the log of etcd in /var/log/pods' };
}
