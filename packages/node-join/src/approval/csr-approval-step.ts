import {
  describeUnreadable,
  fieldsAt,
  type KubernetesObject,
  type ObjectAccess,
  replaceEdit,
  type StoredObject,
  textAt,
  textsAt,
} from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import { type Change, type Finding, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import { readSigningRequest } from '@kube-rescue/x509';
import { approveAgain } from './approve-again.ts';
import { isAnswered, isPending, isSigned, listRequests, withApproval } from './request-state.ts';

/** A kubelet with a key from kube-rescue, which identifies its request. */
export interface KnownKubelet {
  /** Name of its Node. */
  readonly node: string;
  /** See `publicKeyDigest`. */
  readonly publicKey: string;
}

export interface CsrApprovalInput {
  readonly kubelets: readonly KnownKubelet[];
  readonly requires?: readonly StepId[] | undefined;
  /** Timeout for the signer. Default: 30 s. */
  readonly signTimeoutMs?: number | undefined;
}

interface ApprovalFinding extends Finding {
  readonly changes: readonly Change[];
}

/** Kubernetes documentation, "Certificate Signing Requests": the signer of kubelets' client certificates. */
const SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
const USAGES: readonly string[] = ['digital signature', 'key encipherment', 'client auth'];
const SIGN_TIMEOUT_MS = 30_000;
const POLL_MS = 1000;
const MESSAGE = 'the key is one that kube-rescue has sent to this node';

/**
 * Approves the certificate signing requests of kubelets whose keys are known; no others. The sender must have proven
 * that it holds a known key, and the request must ask for the client certificate of that node and nothing more.
 *
 * Does not sign: kube-controller-manager signs, if it has the CA key. Supports version v1 of the requests (Kubernetes 1.19
 * and later). Step id: `nodes/requests`.
 */
export function createCsrApprovalStep(
  { kubelets, requires = [], signTimeoutMs = SIGN_TIMEOUT_MS }: CsrApprovalInput,
  { objects, clock }: { readonly objects: ObjectAccess; readonly clock: Clock },
): Step<ApprovalFinding> {
  const approve = (read: StoredObject) => {
    const next = withApproval(read.object, clock.now(), MESSAGE);
    return replaceEdit(objects.source, read, next, ['status.conditions: Approved']);
  };
  return {
    id: 'nodes/requests',
    title: 'approve the certificate signing requests of known kubelets',
    requires,
    // An issued certificate cannot be revoked.
    reversible: 'no',
    check: async (signal) => {
      try {
        const odd: string[] = [];
        const all = await listRequests(await objects.open(signal), signal, (failure) =>
          odd.push(describeUnreadable(failure)),
        );
        const pending = all.filter(({ object }) => isPending(object));
        const own = pending.filter(({ object }) => isOwn(object, kubelets));
        const others = pending.filter((read) => !own.includes(read)).map(({ object }) => object.metadata.name);
        const evidence = [
          ...own.map(({ object }) => `${object.metadata.name} waits for approval`),
          ...others.map((name) => `${name} is not approved: its key is unknown`),
          ...odd,
        ];
        if (own.length === 0)
          return { status: 'ok', summary: 'no request of a known kubelet is pending', evidence, changes: [] };
        const summary = `requests to be approved: ${own.map(({ object }) => object.metadata.name).join(', ')}`;
        return { status: 'needed', summary, evidence, changes: own.map((read) => approve(read).change) };
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      const store = await objects.open(signal);
      for (const change of changes) {
        const { name } = fieldsAt(change, 'object');
        const isWanted = (object: KubernetesObject): boolean => isOwn(object, kubelets);
        await approveAgain(String(name), { store, isWanted, approve, journal }, signal);
      }
    },
    verify: async (signal) => {
      const store = await objects.open(signal);
      const deadline = clock.now().getTime() + signTimeoutMs;
      for (;;) {
        const own = (await listRequests(store, signal))
          .map(({ object }) => object)
          .filter((each) => isOwn(each, kubelets));
        const waiting = own.filter(isPending).map(({ metadata }) => metadata.name);
        if (waiting.length > 0) {
          return {
            verified: false,
            reason: `still not approved: ${waiting.join(', ')}`,
            hint: 'check with: kubectl get csr',
          };
        }
        const unsigned = own.filter((each) => isAnswered(each, 'Approved') && !isSigned(each));
        if (unsigned.length === 0)
          return { verified: true, evidence: own.map(({ metadata }) => `${metadata.name} is signed`) };
        if (clock.now().getTime() >= deadline) {
          const names = unsigned.map(({ metadata }) => metadata.name).join(', ');
          const warning = `approved, but not signed: ${names}; kube-controller-manager signs with --cluster-signing-key-file`;
          return { verified: true, evidence: [], warnings: [warning] };
        }
        await clock.sleep(POLL_MS, signal);
      }
    },
  };
}

function isOwn(object: KubernetesObject, kubelets: readonly KnownKubelet[]): boolean {
  const { spec } = object;
  const isClient =
    textAt(spec, 'signerName') === SIGNER && textsAt(spec, 'usages').every((each) => USAGES.includes(each));
  if (!isClient) return false;
  const read = readSigningRequest(Buffer.from(textAt(spec, 'request') ?? '', 'base64').toString());
  if (read === undefined || read.hasExtensions) return false;
  const kubelet = kubelets.find(({ publicKey }) => publicKey === read.publicKey);
  const isNode = read.organizations.length === 1 && read.organizations[0] === 'system:nodes';
  return kubelet !== undefined && isNode && read.commonName === `system:node:${kubelet.node}`;
}
