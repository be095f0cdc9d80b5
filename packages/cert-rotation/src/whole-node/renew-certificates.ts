import { type Clock, systemClock } from '@kube-rescue/host';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Plan,
  type Playbook,
  planPlaybook,
  runPlaybook,
  type RunResult,
  type Step,
  type WorkflowListener,
} from '@kube-rescue/workflow';
import type { CertificateId } from '../inventory/catalogue.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { assertPresent } from '../inventory/presence.ts';
import type { RenewalOptions } from '../renewal/renewal-options.ts';
import { createRenewalSteps } from '../renewal/renewal-steps.ts';
import { createTokenKeySteps } from '../scratch/token-key-step.ts';
import { type CertificateReport, reportNode } from './check-certificates.ts';
import { type NodeFiles, openNodeFiles, type OpenNodeFiles, readNodeComponents } from './node-files.ts';

export interface RenewalRequest extends NodeFiles, Omit<RenewalOptions, 'named'> {
  /** Renews these alone, also without a problem. Default: every certificate that needs it. */
  readonly only?: readonly CertificateId[] | undefined;
  /** Plans and writes nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
  /** Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
  /** Stops at the next safe point and rolls back. Default: never. */
  readonly signal?: AbortSignal | undefined;
  /** Receives the progress. Default: ignored. */
  readonly onEvent?: WorkflowListener | undefined;
}

export interface RenewalResult {
  readonly outcome: RunResult['outcome'] | 'planned';
  /** For `rollbackRun` of `@kube-rescue/workflow` and `kube-rescue rollback`; `undefined` when nothing was written. */
  readonly runId: string | undefined;
  readonly plan: Plan;
  /** The certificates on disk afterwards. */
  readonly report: CertificateReport;
}

/**
 * Renews the certificates of a kubeadm node on disk, each signed by its own CA: the kubelet's and those of kubeconfigs too. Journalled
 * below `/var/lib/kube-rescue`, verified, and rolled back when it fails. Needs root on a live node. Restarts nothing: components use
 * the old certificates until they restart.
 *
 * Does not reissue an expired CA, make lost files, or judge this machine's clock: `kube-rescue recover` does.
 *
 * @throws PkiError `PKI_NODE_NOT_FOUND` `PKI_LAYOUT_UNSUPPORTED` `PKI_CERTIFICATE_MISSING` `PKI_CERTIFICATE_UNKNOWN`
 * `PKI_LIFETIME_INVALID` `PKI_NAME_INVALID`; NodeConfigError; WorkflowError `WORKFLOW_BLOCKED` (for example without the CA key) and
 * as `runPlaybook`
 */
export async function renewCertificates(request: RenewalRequest = {}): Promise<RenewalResult> {
  const { clock = systemClock, signal = new AbortController().signal, onEvent = () => undefined } = request;
  const node = await openNodeFiles(request);
  const { host } = node;
  const playbook = createPlaybook(node, request, clock);
  if (request.dryRun === true) {
    const plan = await planPlaybook(playbook, { host: host.name, clock, selection: {}, signal });
    return { outcome: 'planned', runId: undefined, plan, report: await reportNode(node, { clock }) };
  }
  const kinds = createChangeRegistry(hostChangeKinds(host));
  const { outcome, runId, plan } = await runPlaybook(
    { playbook, selection: {}, confirm: async () => true, signal },
    { host, clock, kinds, store: openRunStore(host), onEvent },
  );
  return { outcome, runId, plan, report: await reportNode(node, { clock }) };
}

function createPlaybook(node: OpenNodeFiles, request: RenewalRequest, clock: Clock): Playbook {
  const steps = (): Promise<readonly Step[]> => createSteps(node, request, clock);
  return {
    id: 'certs-renew',
    title: 'Renew certificates',
    phases: [{ id: 'certificates', title: 'Certificates', steps }],
  };
}

async function createSteps(
  node: OpenNodeFiles,
  { only, ...options }: RenewalRequest,
  clock: Clock,
): Promise<readonly Step[]> {
  const { host, kubernetesDirectory } = node;
  const { components, unread } = await readNodeComponents(node);
  // Nothing is written by a configuration that is not known.
  if (unread[0] !== undefined) throw unread[0];
  const inventory = await inspectCertificates({ components, kubernetesDirectory, only }, { host });
  if (only !== undefined) assertPresent(inventory);
  const renewals = createRenewalSteps({ inventory, options: { ...options, named: only } }, { host, clock });
  return only === undefined ? [...renewals, ...createTokenKeySteps(components, { host })] : renewals;
}
