import {
  createCheckpointContentsStep,
  createCheckpointParentsStep,
  createCheckpointStabilityStep,
  findApiServerCheckpoint,
} from '@kube-rescue/static-manifests';
import { type Phase, type Step, toErrorFinding } from '@kube-rescue/workflow';
import { ObjectError } from '@kube-rescue/cluster-objects';
import { isKnownWrong } from '@kube-rescue/errors';
import { EtcdError } from '@kube-rescue/etcd-access';
import { NodeError, servingSerial } from '@kube-rescue/node';
import { afterSteps, createWaitingStep } from '../gates/waiting-step.ts';
import { createCredentialSource } from './credential-source.ts';
import { API_STABLE, CONTENTS, ETCD_STEP, PARENTS, SECRETS } from '../step-ids.ts';
import { createEtcdStep } from './etcd-step.ts';
import type { Course, SelfHostedDeps, SelfHostedOptions, ObjectSources } from './options.ts';
import { createSecretStep } from './secret-step.ts';
import { assertSingleMaster } from './single-master.ts';
import { createTrustSteps } from './trust-steps.ts';

/** etcd's own certificates, where they are not good. */
export function createEtcdPhase(options: SelfHostedOptions, ways: ObjectSources, deps: SelfHostedDeps): Phase {
  return deps.phase({
    id: 'etcd',
    title: 'etcd',
    steps: (node, { etcdService }) => {
      if (etcdService === undefined) return [];
      const source = createCredentialSource(options, ways, { ...deps, ...node });
      return [createEtcdStep({ service: etcdService.name, wanted: source.etcdFiles }, options, node)];
    },
  });
}

/**
 * What the cluster's objects say, changed while nothing runs that could race it: pod objects without which a checkpointer
 * gives up, Secrets of the control plane, and whatever trusts the old authority.
 */
export function createObjectsPhase(
  options: SelfHostedOptions,
  ways: ObjectSources,
  course: Course,
  deps: SelfHostedDeps,
): Phase {
  const { offline } = ways;
  const waitsFor = [offline.source.via === 'api' ? API_STABLE : ETCD_STEP];
  return deps.phase({
    id: 'objects',
    title: 'Objects of the cluster',
    steps: async (node, { staticPods: { directory } }, signal) => {
      const source = createCredentialSource(options, ways, { ...deps, ...node });
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
        // A set that does not fit, or nothing to sign with, is for a person to cure before anything is changed.
        if (isKnownWrong(error) && !(error instanceof ObjectError) && !(error instanceof EtcdError)) throw error;
        const title = "have the cluster's objects trust the authority of the API server";
        return [...steps, createWaitingStep({ id: 'objects/trust/cluster-ca', title, finding })];
      }
    },
  });
}

/** The checkpointed API server on its new credentials, started and seen to come from its own pod. */
export function createControlPlanePhase(options: SelfHostedOptions, ways: ObjectSources, deps: SelfHostedDeps): Phase {
  return deps.phase({
    id: 'control-plane',
    title: 'Control plane',
    steps: (node, description) => {
      const { staticPods, checkpoints } = description;
      if (findApiServerCheckpoint(checkpoints) === undefined) throw nothingToStart(checkpoints.directories.inactive);
      const source = createCredentialSource(options, ways, { ...deps, ...node });
      const place = { directory: staticPods.directory, kubeletService: node.options.kubeletService };
      const objects = ways.offline;
      // Through the API server everything else comes after it is back.
      const requires = objects.source.via === 'api' ? [] : [PARENTS, SECRETS];
      const contents = createCheckpointContentsStep(
        { ...place, id: CONTENTS, requires, wanted: source.contents, waitsFor: [ETCD_STEP] },
        { ...deps, objects },
      );
      const stable = createCheckpointStabilityStep(
        {
          ...place,
          ...{ id: API_STABLE, requires: [CONTENTS], wanted: source.contents },
          expectedSerial: () => servingSerial(description, node),
          // That it is there, and not about to hand over; that it stays is seen at the end, when there is nothing else to do.
          ...{ refreshPeriodMs: 5_000, refreshPeriods: 1, restartKubelet: false },
        },
        { ...deps, objects },
      );
      return [contents, stable] as readonly Step[];
    },
  });
}

/** A checkpointer removes everything that could start an API server when it misses its pod for a minute. */
function nothingToStart(subject: string): NodeError {
  return new NodeError({
    code: 'LAYOUT_UNKNOWN',
    message: 'the pod checkpointer keeps no API server on this node any more, so nothing could start one',
    subject,
    hint: "put the manifest back from a backup, or write one by the API server's DaemonSet: kube-rescue etcd get daemonset kube-apiserver --namespace kube-system --json",
  });
}
