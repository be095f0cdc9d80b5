import { createLockWatch } from '@kube-rescue/pod-bootstrap';
import type { Phase, Playbook } from '@kube-rescue/workflow';
import { createSnapshotPhases } from '../etcd-backup/etcd-snapshot-phases.ts';
import { createControlPlanePhase, createEtcdPhase, createObjectsPhase } from './credential-phases.ts';
import { afterSteps } from '../gates/waiting-step.ts';
import { ETCD_STEP } from '../step-ids.ts';
import { createHandoverPhase } from './handover-phase.ts';
import type { IngressDnsPhases } from '../ingress-dns/ingress-dns-phases.ts';
import { createNodesPhase } from './node-phase.ts';
import { type Course, openSources, type SelfHostedDeps, type SelfHostedOptions } from './options.ts';
import { createNetworkPhase, createPodsPhase } from './pod-phases.ts';
import { sideBySide } from './side-by-side.ts';

/**
 * Recovers a self-hosted control plane whose API server is kept by a pod checkpointer: credentials in Secrets and on the node,
 * the API server in its own pod, the network, control-plane pods without a scheduler, this node and its workers.
 *
 * In the order of what people wait for: the API server, new pods on workers, the names of the ingress, and at last the proof that all
 * of it lasts. New AWS keys are written with the other Secrets, so that their controller starts with them.
 *
 * Its phases throw PkiError `PKI_SET_UNFIT`, NodeError `CERTIFICATES_BLOCKED` and those of `Node.describe` before anything is
 * written.
 */
export function createSelfHostedPlaybook(
  options: SelfHostedOptions,
  deps: SelfHostedDeps,
  ingressDns?: IngressDnsPhases,
): Playbook {
  const objectSources = openSources(options, deps);
  const course: Course = { publishedAt: undefined, locks: createLockWatch(deps.clock) };
  const { early } = createSnapshotPhases(deps, options);
  const objects = createObjectsPhase(options, objectSources, course, deps);
  const controlPlane = createControlPlanePhase(options, objectSources, deps);
  const { credentials, names } = ingressDns ?? {};
  const changes = credentials === undefined ? [objects] : [objects, whenEtcdServes(credentials)];
  const handover = createHandoverPhase(objectSources, course, deps);
  return {
    id: 'self-hosted',
    title: 'Recover a self-hosted control plane',
    phases: [
      early,
      createEtcdPhase(options, objectSources, deps),
      ...(options.via === 'api' ? [controlPlane, ...changes] : [...changes, controlPlane]),
      createNetworkPhase(objectSources, deps),
      sideBySide('workloads', 'Control-plane pods and nodes', [
        createPodsPhase(objectSources, course, deps),
        createNodesPhase(options, objectSources, deps),
      ]),
      // Names that do not come back must not leave rescue pods behind.
      ...(credentials === undefined || names === undefined
        ? [handover, ...(names === undefined ? [] : [names])]
        : [sideBySide('handover', 'Names and handover', [names, handover])]),
    ],
  };
}

/** The same phase; steps that etcd refuses now are planned again once it has its certificates. */
function whenEtcdServes(phase: Phase): Phase {
  return {
    ...phase,
    steps: async (signal) =>
      (await phase.steps(signal)).map((step) => afterSteps(step, [ETCD_STEP], ['ETCD_NO_QUORUM'])),
  };
}
