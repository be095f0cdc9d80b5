import type { Playbook } from '@kube-rescue/workflow';
import { createSnapshotPhases } from '../etcd-backup/etcd-snapshot-phases.ts';
import { createControlPlanePhase, createEtcdPhase, createObjectsPhase } from './credential-phases.ts';
import { createHandoverPhase } from './handover-phase.ts';
import { createNodesPhase } from './node-phase.ts';
import { type Course, openSources, type SelfHostedDeps, type SelfHostedOptions } from './options.ts';
import { createNetworkPhase, createPodsPhase } from './pod-phases.ts';

/**
 * Recovers a self-hosted control plane whose API server is kept by a pod checkpointer: credentials in Secrets and on the node,
 * the API server in its own pod, the network, control-plane pods without a scheduler, this node and its workers.
 *
 * Its phases throw PkiError `PKI_SET_UNFIT`, NodeError `CERTIFICATES_BLOCKED` and those of `Node.describe` before anything is
 * written.
 */
export function createSelfHostedPlaybook(options: SelfHostedOptions, deps: SelfHostedDeps): Playbook {
  const objectSources = openSources(options, deps);
  const course: Course = { publishedAt: undefined };
  const { early } = createSnapshotPhases(deps, options);
  const objects = createObjectsPhase(options, objectSources, course, deps);
  const controlPlane = createControlPlanePhase(options, objectSources, deps);
  return {
    id: 'self-hosted',
    title: 'Recover a self-hosted control plane',
    phases: [
      early,
      createEtcdPhase(options, objectSources, deps),
      ...(options.via === 'api' ? [controlPlane, objects] : [objects, controlPlane]),
      createNetworkPhase(objectSources, deps),
      createPodsPhase(objectSources, course, deps),
      createNodesPhase(options, objectSources, deps),
      createHandoverPhase(objectSources, course, deps),
    ],
  };
}
