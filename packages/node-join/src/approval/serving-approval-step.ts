import {
  type ObjectAccess,
  type ObjectStore,
  replaceEdit,
  RESOURCE_KINDS,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import { type Change, type Finding, type Step, type StepId, toErrorFinding, type Verdict } from '@kube-rescue/workflow';
import { approveAgain } from './approve-again.ts';
import { isAnswered, isPending, isSigned, listRequests, withApproval } from './request-state.ts';
import { isServingRequestOf, namesOfNode, refuseServingRequest } from './serving-request.ts';

export interface ServingApprovalInput {
  readonly id: StepId;
  readonly requires: readonly StepId[];
  readonly findKubelet: () => Promise<ServingKubelet>;
  /** Why this node's kubelet needs another serving certificate; `undefined` when it needs none. */
  readonly findNeed: () => Promise<string | undefined>;
  /** Whether the kubelet serves its new certificate. */
  readonly observe: (signal: AbortSignal) => Promise<Verdict>;
  /** Default: 60 s, after the approval. */
  readonly timeoutMs?: number | undefined;
}

/** The kubelet of this node. */
export interface ServingKubelet {
  /** Name of its Node. */
  readonly node: string;
  /** Its start; the keys of earlier requests are lost with the process that made them. `undefined`: it does not run. */
  readonly since: Date | undefined;
  /** Names of its former serving certificate, beside those of its Node. */
  readonly formerNames: readonly string[];
}

interface ApprovalFinding extends Finding {
  readonly changes: readonly Change[];
}

const TIMEOUT_MS = 60_000;
const POLL_MS = 1_000;
const MESSAGE = 'the request of the kubelet of this node, for names of this node';

/**
 * Approves the request of this node's kubelet for its serving certificate: the newest since its start, of its own user, for names
 * that its Node or its former certificate has; see `refuseServingRequest`. Then waits until the kubelet serves the certificate.
 *
 * Does not sign: kube-controller-manager does. An approval cannot be undone: the API server keeps it, and the certificate is valid until
 * it expires.
 */
export function createServingApprovalStep(
  { id, requires, findKubelet, findNeed, observe, timeoutMs = TIMEOUT_MS }: ServingApprovalInput,
  { objects, clock }: { readonly objects: ObjectAccess; readonly clock: Clock },
): Step<ApprovalFinding> {
  const approve = (read: StoredObject) =>
    replaceEdit(objects.source, read, withApproval(read.object, clock.now(), MESSAGE), ['status.conditions: Approved']);
  const inspect = async (signal: AbortSignal) => {
    const store = await objects.open(signal);
    const kubelet = await findKubelet();
    const found = await store.get({ kind: RESOURCE_KINDS.Node, name: kubelet.node }, { signal });
    const names = [...namesOfNode(found?.object), ...kubelet.formerNames];
    const request = await findServingRequest(store, kubelet, signal);
    const refusal = request && refuseServingRequest(request.object, { node: kubelet.node, names });
    return { store, kubelet, names, request, refusal };
  };
  return {
    id,
    title: "approve the kubelet's request for its serving certificate",
    requires,
    reversible: 'no',
    check: async (signal) => {
      try {
        const need = await findNeed();
        if (need === undefined)
          return { status: 'ok', summary: 'the kubelet needs no other serving certificate', evidence: [], changes: [] };
        const { request, refusal } = await inspect(signal);
        const evidence = [need];
        if (request === undefined) {
          return {
            status: 'needed',
            summary: 'the kubelet has not requested its serving certificate yet',
            evidence,
            changes: [],
          };
        }
        const { name } = request.object.metadata;
        if (!isPending(request.object)) {
          const isRefused = ['Denied', 'Failed'].some((type) => isAnswered(request.object, type));
          const summary = `${name} is ${isRefused ? 'denied' : 'approved already'}`;
          return isRefused ? blocked(summary, evidence, name) : { status: 'needed', summary, evidence, changes: [] };
        }
        if (refusal !== undefined) return blocked(`${name} is not approved: ${refusal}`, evidence, name);
        return {
          status: 'needed',
          summary: `${name} waits for approval`,
          evidence,
          changes: [approve(request).change],
        };
      } catch (error) {
        const finding = toErrorFinding(error, signal);
        return finding.status === 'unknown' ? { ...finding, status: 'blocked', waitsFor: requires } : finding;
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      if (changes.length === 0) return;
      const { store, kubelet, names, request } = await inspect(signal);
      if (request === undefined) return;
      const isWanted = ({ metadata, ...object }: StoredObject['object']): boolean =>
        metadata.uid === request.object.metadata.uid &&
        refuseServingRequest({ metadata, ...object }, { node: kubelet.node, names }) === undefined;
      await approveAgain(request.object.metadata.name, { store, isWanted, approve, journal }, signal);
    },
    verify: async (signal, waitingFor = () => undefined) => {
      const deadline = clock.now().getTime() + timeoutMs;
      for (;;) {
        const verdict = await observe(signal);
        if (verdict.verified) return verdict;
        if (clock.now().getTime() >= deadline) return explain(verdict, (await inspect(signal)).request);
        waitingFor(verdict.reason);
        await clock.sleep(POLL_MS, signal);
      }
    },
  };
}

/**
 * The request that this node's kubelet waits for: its newest since its start, answered or not. Creation times are whole seconds.
 * @throws as the store
 */
export async function findServingRequest(
  store: Pick<ObjectStore, 'list'>,
  { node, since }: Pick<ServingKubelet, 'node' | 'since'>,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  if (since === undefined) return undefined;
  const requests = await listRequests(store, signal);
  const createdAt = ({ object }: StoredObject): number => Date.parse(object.metadata.creationTimestamp ?? '');
  const earliest = Math.floor(since.getTime() / 1000) * 1000;
  return requests
    .filter((read) => isServingRequestOf(read.object, node) && createdAt(read) >= earliest)
    .toSorted((a, b) => createdAt(b) - createdAt(a))[0];
}

function blocked(summary: string, evidence: readonly string[], name: string): ApprovalFinding {
  const hint = `read it with \`kubectl describe csr ${name}\`; approve it by hand only if its names are this node's, or delete it and restart the kubelet`;
  const subject = `CertificateSigningRequest ${name}`;
  return { status: 'blocked', summary, evidence, code: 'JOIN_REQUEST_REFUSED', subject, hint, changes: [] };
}

function explain(verdict: Verdict & { readonly verified: false }, request: StoredObject | undefined): Verdict {
  if (request === undefined || isSigned(request.object) || !isAnswered(request.object, 'Approved')) return verdict;
  const reason = `${request.object.metadata.name} is approved and not signed: ${verdict.reason}`;
  return {
    ...verdict,
    reason,
    hint: 'kube-controller-manager signs with the key of --cluster-signing-key-file; read its log in /var/log/pods',
  };
}
