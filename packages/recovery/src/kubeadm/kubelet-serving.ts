import { inspectCertificates } from '@kube-rescue/cert-rotation';
import { formerNamesOf, inspectRequestedServing } from '@kube-rescue/cert-rotation/used';
import { isRecoveryError } from '@kube-rescue/errors';
import { findNodeName, type Node } from '@kube-rescue/node';
import { createServingApprovalStep, findServingRequest, type ServingKubelet } from '@kube-rescue/node-join';
import { findKubeletStart } from '@kube-rescue/static-manifests';
import type { Phase, StepId, Verdict } from '@kube-rescue/workflow';
import { createGateStep } from '../gates/gate-step.ts';
import { kubeletUrl } from '../gates/kubelet-url.ts';

const REQUESTED: StepId = 'kubelet/serving-requested';
const APPROVED: StepId = 'kubelet/serving-approved';
/** The kubelet tries again after at most 32 s (client-go `util/certificate/certificate_manager.go`); the rest is for a busy machine. */
const REQUEST_TIMEOUT_MS = 90_000;
const SERVE_TIMEOUT_MS = 5_000;
const NO_REQUEST =
  'the kubelet requests it once its Node has an IP address (`kubectl get node -o wide`); read its log, and restart it: systemctl restart kubelet';

/**
 * Has the kubelet's serving certificate issued again where the kubelet requests it from the cluster (`serverTLSBootstrap`) and it has
 * expired or is missing: waits for the kubelet's request, approves this one, and waits until the kubelet serves the certificate.
 */
export function createKubeletServingPhase(opened: Node, requires: readonly StepId[]): Phase {
  const objects = opened.objects.access({ via: 'api', search: {} });
  return opened.phase({
    id: 'kubelet-serving',
    title: 'Kubelet serving certificate',
    steps: (node) => {
      const findNeed = async (): Promise<string | undefined> => (await inspectServing(node)).need;
      const findKubelet = async (): Promise<ServingKubelet> => {
        const { name, formerNames } = await inspectServing(node);
        return { node: name, since: await findKubeletStart(node), formerNames };
      };
      const requested = createGateStep(
        {
          id: REQUESTED,
          title: "wait for the kubelet's request for its serving certificate",
          requires,
          timeoutMs: REQUEST_TIMEOUT_MS,
          observe: async (signal) => {
            const need = await findNeed();
            if (need === undefined)
              return { verified: true, evidence: ['the kubelet needs no other serving certificate'] };
            return observeRequest(() => objects.open(signal), await findKubelet(), signal);
          },
        },
        node,
      );
      const approval = createServingApprovalStep(
        {
          id: APPROVED,
          requires: [REQUESTED, ...requires],
          findKubelet,
          findNeed,
          observe: (signal) => observeServed(node, signal),
        },
        { objects, clock: node.clock },
      );
      return [requested, approval];
    },
  });
}

async function inspectServing(node: Node) {
  const description = await node.describe();
  // The client certificate brings the CA of the cluster.
  const only = ['kubelet-serving', 'kubelet-client'] as const;
  const inventory = await inspectCertificates({ ...description.inspection, only }, node);
  const serving = await inspectRequestedServing(inventory, { now: node.clock.now() }, node);
  const name = await findNodeName(description, node);
  const [row] = serving?.rows ?? [];
  const problem = row?.problems.find(({ severity }) => severity === 'problem');
  return {
    ...{ description, name, serving },
    need: row === undefined || problem === undefined ? undefined : `${row.path}: ${problem.message}`,
    formerNames: formerNamesOf(serving?.certificate, name, inventory),
  };
}

async function observeRequest(
  open: () => Promise<Parameters<typeof findServingRequest>[0]>,
  kubelet: ServingKubelet,
  signal: AbortSignal,
): Promise<Verdict> {
  try {
    const request = await findServingRequest(await open(), kubelet, signal);
    if (request !== undefined)
      return { verified: true, evidence: [`the kubelet waits for ${request.object.metadata.name}`] };
    return { verified: false, reason: 'the kubelet has not requested its serving certificate', hint: NO_REQUEST };
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return { verified: false, reason: `the requests cannot be read: ${error.message}`, hint: error.hint };
  }
}

/** The certificate on disk is good, and the kubelet presents it. */
async function observeServed(node: Node, signal: AbortSignal): Promise<Verdict> {
  const hint = 'read the log of the kubelet: journalctl -u kubelet';
  const { description, serving, need } = await inspectServing(node);
  if (need !== undefined) return { verified: false, reason: `the kubelet has no new certificate: ${need}`, hint };
  const expected = serving?.certificate?.x509.fingerprint256;
  if (serving === undefined || expected === undefined)
    return { verified: true, evidence: ['the kubelet requests no certificate'] };
  const url = kubeletUrl(description, '/healthz');
  try {
    const { peer } = await node.host.request({ url, timeoutMs: SERVE_TIMEOUT_MS, signal });
    if (peer?.fingerprint256 === expected)
      return { verified: true, evidence: [`the kubelet serves ${serving.path} at ${url}`] };
    return { verified: false, reason: `the kubelet presents another certificate than ${serving.path}`, hint };
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return { verified: false, reason: `the kubelet does not answer at ${url}: ${error.message}`, hint };
  }
}
