import {
  type AdoptionInput,
  type AdoptionRules,
  type CaId,
  type CertificateId,
  type CertificateInventory,
  createAdoptionSteps,
  createReissueSteps,
  createRenewalSteps,
  inspectCertificates,
  type ReissueOptions,
  reissueStepId,
  type RenewalOptions,
  renewalStepId,
} from '@kube-rescue/cert-rotation';
import { createControlPlaneRestartStep, createRestartStep } from '@kube-rescue/static-manifests';
import type { Phase, Playbook, Step } from '@kube-rescue/workflow';
import {
  assertSingleKubeadmNode,
  describeNode,
  type NodeDeps,
  type NodeDescription,
  NodeError,
  type NodeOptions,
  type ObjectSession,
} from '@kube-rescue/node';
import { createSnapshotPhases } from '../etcd-backup/etcd-snapshot-phases.ts';
import { createApiGate, createLeaseGate, createNodeGate } from '../gates/gates.ts';
import { createPublishedCaGate } from './published-ca-gate.ts';
import { findRestartNeeds } from './restart-needs.ts';
import { createTrustPhase } from '../rotation/trust-phase.ts';

const RESTART = 'control-plane/restart';
const API_STABLE = 'control-plane/api-stable';
const CA_PUBLISHED = 'node/ca-published';
/** The last to be healthy waits for the others; a slow disk doubles what the lab needs, and an old machine that again. */
const RESTART_TIMEOUT_MS = 240_000;

/** With a way to the objects of the cluster, those are told of a CA that was issued anew, too. */
export type RecoveryDeps = NodeDeps & { readonly objects?: ObjectSession | undefined };

export interface TrustOptions {
  /** After a CA was issued anew, starts the pods anew that hold it as it was. Default: false, they are named. */
  readonly restartPods?: boolean | undefined;
}

export interface AdoptionOptions {
  /** A set of certificates that is installed instead of renewing. Default: none. */
  readonly adopt?: AdoptionInput['set'] | undefined;
}

/**
 * Brings back a kubeadm control plane of one node whose certificates are bad: renews what has to be renewed, restarts what
 * has to read it, and waits until the API server is stable, the controllers work and the node is Ready. Takes an etcd
 * snapshot first, or as soon as etcd can be reached.
 *
 * On a copy of a node's files only the certificates are renewed. Its phases throw NodeError `LAYOUT_UNSUPPORTED`
 * `LAYOUT_UNKNOWN` `NODE_NOT_FOUND` and ManifestErrors before anything is written.
 */
export function createRecoveryPlaybook(
  options: NodeOptions & RenewalOptions & ReissueOptions & AdoptionOptions & TrustOptions,
  deps: RecoveryDeps,
): Playbook {
  const { objects } = deps;
  const trust = objects === undefined ? [] : [createTrustPhase(options, { ...deps, objects }, [CA_PUBLISHED])];
  const certificates = createCertificatesPhase(options, deps);
  const { early, late } = createSnapshotPhases(options, deps);
  const controlPlane = createControlPlanePhase(options, deps);
  return {
    id: 'kubeadm',
    title: 'Recover a kubeadm control plane',
    phases:
      deps.host.kind === 'live'
        ? [early, certificates, controlPlane, late, createNodePhase(options, deps), ...trust]
        : [certificates],
  };
}

/**
 * Issues one authority of a kubeadm control plane anew with its own key, expired or not, renews what has expired, and
 * restarts and proves as a recovery does.
 */
export function createCaPlaybook(
  options: NodeOptions & RenewalOptions & TrustOptions & Pick<ReissueOptions, 'caDays'> & { readonly ca: CaId },
  deps: RecoveryDeps,
): Playbook {
  const { phases } = createRecoveryPlaybook({ ...options, force: [options.ca] }, deps);
  return { id: 'certs-rotate-ca', title: 'Issue an authority anew', phases };
}

/** Installs a set of certificates and nothing else; components keep the old ones until they are restarted. */
export function createAdoptionPlaybook(
  options: NodeOptions & { readonly adopt: AdoptionInput['set']; readonly rules?: AdoptionRules | undefined },
  deps: NodeDeps,
): Playbook {
  const certificates: Phase = {
    id: 'certificates',
    title: 'Certificates',
    steps: async () => {
      const node = await describeNode(options, deps);
      return createAdoptionSteps({ set: options.adopt, node: node.inspection, rules: options.rules }, deps);
    },
  };
  return { id: 'certs-adopt', title: 'Adopt a set of certificates', phases: [certificates] };
}

/** Renews certificates and nothing else; components keep the old ones until they are restarted. */
export function createRenewalPlaybook(
  options: NodeOptions & RenewalOptions & { readonly only: readonly string[] },
  deps: NodeDeps,
): Playbook {
  const certificates: Phase = {
    id: 'certificates',
    title: 'Certificates',
    steps: async () => {
      const node = await describeNode(options, deps);
      const only = options.only.length === 0 ? undefined : (options.only as readonly CertificateId[]);
      const inventory = await inspectCertificates({ ...node.inspection, only }, deps);
      return createRenewalSteps({ inventory, options }, deps);
    },
  };
  return { id: 'certs-renew', title: 'Renew certificates', phases: [certificates] };
}

/** Restarts static pods by their manifests, each proven by a new pod that is healthy. */
export function createRestartPlaybook(
  options: NodeOptions & { readonly names: readonly string[] },
  deps: NodeDeps,
): Playbook {
  // Taken once, so that a resumed or repeated look finds its own restart.
  const value = deps.clock.now().toISOString();
  const restart: Phase = {
    id: 'static-pods',
    title: 'Static pods',
    steps: async () => {
      const { staticPods, checkpoints } = await describeNode(options, deps);
      const { pods, directory } = staticPods;
      return options.names.map((name) => {
        const pod = pods.find(({ component, name: podName }) => component === name || podName === name);
        if (pod !== undefined) {
          const { component, manifest } = pod;
          return createRestartStep({ component, manifest: manifest.path, value, timeoutMs: RESTART_TIMEOUT_MS }, deps);
        }
        const isCheckpointed = checkpoints.checkpoints.some(({ component }) => component === name);
        throw new NodeError({
          code: 'MANIFEST_UNKNOWN',
          message: `no static pod is called ${name} here`,
          subject: directory,
          hint: isCheckpointed
            ? 'the cluster makes it, and the pod checkpointer keeps it: see kube-rescue manifests checkpoint'
            : `choose from ${pods.map(({ component }) => component).join(', ') || 'none: the folder is empty'}`,
        });
      });
    },
  };
  return { id: 'manifests-restart', title: 'Restart static pods', phases: [restart] };
}

/** The whole set instead of renewals; what signs itself is in no set. */
async function createAdoption(
  options: RenewalOptions,
  set: AdoptionInput['set'],
  node: NodeDescription,
  inventory: CertificateInventory,
  deps: NodeDeps,
): Promise<readonly Step[]> {
  const certificates = inventory.certificates.filter(({ ca }) => ca === undefined);
  const selfSigned = createRenewalSteps({ inventory: { ...inventory, certificates }, options }, deps);
  return [...(await createAdoptionSteps({ set, node: node.inspection }, deps)), ...selfSigned] as readonly Step[];
}

function createCertificatesPhase(
  options: NodeOptions & RenewalOptions & ReissueOptions & AdoptionOptions,
  deps: NodeDeps,
): Phase {
  return {
    id: 'certificates',
    title: 'Certificates',
    steps: async () => {
      const node = await describeNode(options, deps);
      assertSingleKubeadmNode(node);
      const inventory = await inspectCertificates(node.inspection, deps);
      if (options.adopt !== undefined) return createAdoption(options, options.adopt, node, inventory, deps);
      const reissued = inventory.cas.map(({ id }) => id);
      return [
        ...createReissueSteps({ inventory, options }, deps),
        ...createRenewalSteps({ inventory, options, reissued }, deps),
      ];
    },
  };
}

function createControlPlanePhase(options: NodeOptions & RenewalOptions & ReissueOptions, deps: NodeDeps): Phase {
  const value = deps.clock.now().toISOString();
  return {
    id: 'control-plane',
    title: 'Control plane',
    steps: async () => {
      const node = await describeNode(options, deps);
      const { certificates, cas } = await inspectCertificates(node.inspection, deps);
      const requires = [
        ...cas.map(({ id }) => reissueStepId(id)),
        ...certificates.map(({ definition }) => renewalStepId(definition)),
      ];
      const restart = createControlPlaneRestartStep(
        {
          id: RESTART,
          requires,
          findNeeds: () => findRestartNeeds(options, deps),
          kubeletService: options.kubeletService,
          value,
          timeoutMs: RESTART_TIMEOUT_MS,
        },
        deps,
      );
      return [restart, createApiGate(options, deps, [RESTART])];
    },
  };
}

function createNodePhase(options: NodeOptions, deps: RecoveryDeps): Phase {
  return {
    id: 'node',
    title: 'Node',
    steps: async () => [
      createNodeGate(options, deps, [API_STABLE]),
      createLeaseGate('kube-controller-manager', options, deps, [API_STABLE]),
      createLeaseGate('kube-scheduler', options, deps, [API_STABLE]),
      createPublishedCaGate({ ...options, warns: deps.objects === undefined }, deps, [API_STABLE]),
    ],
  };
}
