import {
  createCheckpointContentsStep,
  createCheckpointParentsStep,
  createCheckpointStabilityStep,
  findApiServerCheckpoint,
} from '@kube-rescue/static-manifests';
import { type Phase, type Step, toErrorFinding } from '@kube-rescue/workflow';
import { ObjectError } from '@kube-rescue/cluster-objects';
import { isKnownWrong } from '@kube-rescue/errors';
import { NodeError, servingSerial } from '@kube-rescue/node';
import { afterSteps, createWaitingStep } from '../gates/waiting-step.ts';
import { createCredentialSource } from './credential-source.ts';
import { API_STABLE, CONTENTS, ETCD_STEP, PARENTS, SECRETS } from '../step-ids.ts';
import { createEtcdStep } from './etcd-step.ts';
import type { Course, SelfHostedDeps, SelfHostedOptions, ObjectSources } from './options.ts';
import { createSecretStep } from './secret-step.ts';
import { assertSingleMaster } from './single-master.ts';
import { createTrustSteps } from './trust-steps.ts';

/** Renews etcd's own certificates. */
export function createEtcdPhase(options: SelfHostedOptions, objectSources: ObjectSources, deps: SelfHostedDeps): Phase {
  return deps.phase({
    id: 'etcd',
    title: 'etcd',
    steps: (node, { etcdService }) => {
      if (etcdService === undefined) return [];
      const source = createCredentialSource(options, objectSources, { ...deps, ...node });
      return [createEtcdStep({ service: etcdService.name, wanted: source.etcdFiles }, options, node)];
    },
  });
}

/**
 * Changes the cluster's objects while no controller runs: pod objects that a checkpointer needs, Secrets of the control plane,
 * and every object that trusts the old CA.
 */
export function createObjectsPhase(
  options: SelfHostedOptions,
  objectSources: ObjectSources,
  course: Course,
  deps: SelfHostedDeps,
): Phase {
  const { offline } = objectSources;
  const waitsFor = [offline.source.via === 'api' ? API_STABLE : ETCD_STEP];
  return deps.phase({
    id: 'objects',
    title: 'Objects of the cluster',
    steps: async (node, { staticPods: { directory } }, signal) => {
      const source = createCredentialSource(options, objectSources, { ...deps, ...node });
      const parents = createCheckpointParentsStep(
        { directory, requires: [], waitsFor },
        { host: deps.host, objects: offline },
      );
      const secrets = createSecretStep({ requires: [], wanted: source.uncached }, offline);
      const steps = [afterSteps(parents, waitsFor), afterSteps(secrets, waitsFor)];
      try {
        await assertSingleMaster(await offline.open(signal), signal);
        const { root } = await source.wanted(signal);
        if (root === undefined) return steps;
        const trust = await createTrustSteps({ root, requires: [SECRETS], course }, offline, deps, signal);
        return [...steps, ...trust];
      } catch (error) {
        const finding = { ...toErrorFinding(error, signal), waitsFor };
        // Loaded here: no command needs the etcd client to start.
        const { EtcdError } = await import('@kube-rescue/etcd-access');
        // The operator must fix a set that does not match, or a missing CA key, before the first change.
        if (isKnownWrong(error) && !(error instanceof ObjectError) && !(error instanceof EtcdError)) throw error;
        const title = "update the CA of the API server in the cluster's objects";
        return [...steps, createWaitingStep({ id: 'objects/trust/cluster-ca', title, finding })];
      }
    },
  });
}

/** Starts the checkpointed API server with its new credentials, and waits for its own pod. */
export function createControlPlanePhase(
  options: SelfHostedOptions,
  objectSources: ObjectSources,
  deps: SelfHostedDeps,
): Phase {
  return deps.phase({
    id: 'control-plane',
    title: 'Control plane',
    steps: (node, description) => {
      const { staticPods, checkpoints } = description;
      if (findApiServerCheckpoint(checkpoints) === undefined) throw nothingToStart(checkpoints.directories.inactive);
      const source = createCredentialSource(options, objectSources, { ...deps, ...node });
      const paths = { directory: staticPods.directory, kubeletService: node.options.kubeletService };
      const objects = objectSources.offline;
      // Through the API server, every other change waits for it.
      const requires = objects.source.via === 'api' ? [] : [PARENTS, SECRETS];
      const contents = createCheckpointContentsStep(
        { ...paths, id: CONTENTS, requires, wanted: source.contents, waitsFor: [ETCD_STEP] },
        { ...deps, objects },
      );
      const stable = createCheckpointStabilityStep(
        {
          ...paths,
          ...{ id: API_STABLE, requires: [CONTENTS], wanted: source.contents },
          expectedSerial: () => servingSerial(description, node),
          // Up, and not about to hand over; the last phase verifies that it stays up.
          ...{ refreshPeriodMs: 2_000, refreshPeriods: 1, restartKubelet: false },
        },
        { ...deps, objects },
      );
      return [contents, stable] as readonly Step[];
    },
  });
}

/** A checkpointer removes the API server's checkpoint when its pod object is missing for a minute. */
function nothingToStart(subject: string): NodeError {
  return new NodeError({
    code: 'LAYOUT_UNKNOWN',
    message: 'no checkpoint of the API server is left on this node: nothing can start it',
    subject,
    hint: "restore the manifest from a backup, or write one from the API server's DaemonSet: `kube-rescue etcd get daemonset kube-apiserver --namespace kube-system --json`",
  });
}
