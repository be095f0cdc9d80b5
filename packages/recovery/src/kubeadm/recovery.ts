import {
  createReissueSteps,
  createRenewalSteps,
  inspectCertificates,
  type ReissueOptions,
  reissueStepId,
  type RenewalOptions,
  renewalStepId,
} from '@kube-rescue/cert-rotation';
import type { AdoptionInput } from '@kube-rescue/cert-rotation/adoption';
import { createTokenKeySteps } from '@kube-rescue/cert-rotation/token-keys';
import { assertKubeadmNode, findScratchFacts, listVoters, type Node } from '@kube-rescue/node';
import { createLockWatch, type LockWatch } from '@kube-rescue/pod-bootstrap';
import { createControlPlaneRestartStep } from '@kube-rescue/static-manifests';
import type { Phase, Playbook, Step } from '@kube-rescue/workflow';
import { createSnapshotPhases } from '../etcd-backup/etcd-snapshot-phases.ts';
import { createApiGate, createNodeGate } from '../gates/gates.ts';
import { createLeaderGate } from '../gates/leader-gate.ts';
import { createMajorityGate } from '../gates/majority-gate.ts';
import { createMembersGate } from '../gates/members-gate.ts';
import { createTrustPhase } from '../rotation/trust-phase.ts';
import { API_STABLE, CA_PUBLISHED, LOCKS, RESTART } from '../step-ids.ts';
import { createAdoption } from './adoption.ts';
import { assertCommonFilesStay } from './common-files.ts';
import { moveEtcdLeader } from './etcd-leadership.ts';
import { whyEtcdStays, withoutEtcd } from './etcd-restart.ts';
import { createKubeletServingPhase } from './kubelet-serving.ts';
import { createLocksStep } from './leader-locks.ts';
import { createMajorityWatch } from './majority-watch.ts';
import { createPublishedCaGate } from './published-ca-gate.ts';
import { isHandedIn, judgeReissuedCas, type ReissuedCasOptions } from './reissued-cas.ts';
import { findRestartableKubelet } from './restartable-kubelet.ts';
import { findRestartNeeds } from './restart-needs.ts';
import { RESTART_TIMEOUT_MS } from './restart.ts';

export interface TrustOptions {
  /** After a CA was reissued, restarts the pods that hold the old CA. Default: false, they are listed. */
  readonly restartPods?: boolean | undefined;
}

export interface AdoptionOptions {
  /** A certificate set to install instead of renewing. Default: none. */
  readonly adopt?: AdoptionInput['set'] | undefined;
}

/** A recovery of one of several control-plane nodes. */
export interface MembersOptions {
  /** etcd has other voting members. Default: false. */
  readonly isOneOfSeveral?: boolean | undefined;
  /** How long to wait for the other members, in milliseconds. Default: 60000. */
  readonly membersTimeoutMs?: number | undefined;
}

export type KubeadmRecoveryOptions = RenewalOptions &
  ReissueOptions &
  ReissuedCasOptions &
  AdoptionOptions &
  TrustOptions &
  MembersOptions;

/**
 * Recovers a kubeadm control-plane node with invalid certificates: renews the certificates, restarts their components,
 * and waits until the API server is stable, this node's controllers work and the node is Ready. Takes an etcd snapshot
 * first, or once etcd is reachable.
 *
 * One of several nodes does what it can alone, then waits for a majority of etcd, and at the end for every member; where they do not
 * answer in time, its run ends with `WAITING_FOR_OTHERS`, and nothing is rolled back. While a majority works, its etcd restarts only
 * where the others keep the majority. What must be equal on all nodes is not changed, but for CAs of `reissuedSet`.
 *
 * On a copy of a node's files only the certificates are renewed. Its phases throw NodeError `LAYOUT_UNSUPPORTED`
 * `LAYOUT_UNKNOWN` `NODE_NOT_FOUND` and ManifestErrors before anything is written.
 */
export function createRecoveryPlaybook(node: Node, options: KubeadmRecoveryOptions): Playbook {
  const certificates = createCertificatesPhase(node, options);
  const { early, late } = createSnapshotPhases(node);
  const watch = createLockWatch(node.clock);
  return {
    id: 'kubeadm',
    title: 'Recover a kubeadm control plane',
    phases:
      node.host.kind === 'live'
        ? [
            early,
            certificates,
            createControlPlanePhase(node, options, watch),
            late,
            createNodePhase(node, options),
            createTrustPhase(node, { ...options, isNew: (ca) => isHandedIn(ca, options) }, [CA_PUBLISHED]),
            createKubeletServingPhase(node, [API_STABLE]),
            ...(options.isOneOfSeveral === true ? [createMembersPhase(node, options)] : []),
          ]
        : [certificates],
  };
}

/** The gates at the end of a recovery, once the API server is stable. */
function createProofs(node: Node, options: MembersOptions): readonly Step[] {
  return [
    ...(options.isOneOfSeveral === true ? [] : [createMembersGate(node, [API_STABLE])]),
    createNodeGate(node, [API_STABLE]),
    createLeaderGate('kube-controller-manager', node, [API_STABLE, LOCKS]),
    createLeaderGate('kube-scheduler', node, [API_STABLE, LOCKS]),
    // The next phase lists the pods that hold an old CA, or restarts them.
    createPublishedCaGate(node, { warns: false }, [API_STABLE]),
  ];
}

function createCertificatesPhase(opened: Node, options: KubeadmRecoveryOptions): Phase {
  return opened.phase({
    id: 'certificates',
    title: 'Certificates',
    isSideBySide: options.adopt === undefined,
    steps: async (node, description, signal) => {
      assertKubeadmNode(description);
      const inventory = await inspectCertificates(description.inspection, node);
      const { reissued: given } = judgeReissuedCas(options, inventory, node.clock.now());
      // Nothing is issued here then: the others get the same certificates.
      if (given === undefined) await assertCommonFilesStay(inventory, options, node, signal);
      if (options.adopt !== undefined) return createAdoption(options, options.adopt, description, inventory, node);
      const reissued = inventory.cas.map(({ id }) => id);
      const facts = await findScratchFacts(description, node);
      return [
        ...createReissueSteps({ inventory, options: { ...options, reissued: given } }, node),
        ...createRenewalSteps({ inventory, options, facts, reissued }, node),
        ...createTokenKeySteps(description.components, node),
      ] as readonly Step[];
    },
  });
}

function createControlPlanePhase(
  opened: Node,
  options: RenewalOptions & ReissueOptions & ReissuedCasOptions & MembersOptions,
  watch: LockWatch,
): Phase {
  const value = opened.clock.now().toISOString();
  return opened.phase({
    id: 'control-plane',
    title: 'Control plane',
    // Locks are taken while the API server proves that it is stable: new pods wait for a leader.
    isSideBySide: true,
    steps: async (node, { inspection }, signal) => {
      const { certificates, cas } = await inspectCertificates(inspection, node);
      const { isOneOfSeveral = false, membersTimeoutMs } = options;
      const whyKept = isOneOfSeveral ? whyEtcdStays(await listVoters(node, signal)) : undefined;
      const requires = [
        ...cas.map(({ id }) => reissueStepId(id)),
        ...certificates.map(({ definition }) => renewalStepId(definition)),
      ];
      const restart = createControlPlaneRestartStep(
        {
          id: RESTART,
          requires,
          findNeeds: async () => withoutEtcd(await findRestartNeeds(node, options), whyKept),
          kubeletService: node.options.kubeletService,
          findKubelet: () => findRestartableKubelet(node),
          value,
          timeoutMs: RESTART_TIMEOUT_MS,
          findObstacle: createMajorityWatch(node, membersTimeoutMs),
          beforeEtcdRestarts: isOneOfSeveral ? async () => void (await moveEtcdLeader(node)) : undefined,
        },
        node,
      ) as Step;
      const majority = isOneOfSeveral ? [createMajorityGate(node, [RESTART], membersTimeoutMs)] : [];
      const restarted = [RESTART, ...majority.map(({ id }) => id)];
      const locks = await createLocksStep(watch, node, restarted);
      return [restart, ...majority, locks, createApiGate(node, restarted)];
    },
  });
}

function createNodePhase(opened: Node, options: MembersOptions): Phase {
  return opened.phase({
    id: 'node',
    title: 'Node',
    isSideBySide: true,
    steps: (node) => createProofs(node, options),
  });
}

/** After all that this node can do alone. */
function createMembersPhase(opened: Node, { membersTimeoutMs }: MembersOptions): Phase {
  return opened.phase({
    id: 'members',
    title: 'Other control-plane nodes',
    steps: (node) => [createMembersGate(node, [API_STABLE], membersTimeoutMs)],
  });
}
