import { inspectCertificates } from '@kube-rescue/cert-rotation';
import {
  createDropStageStep,
  createIssueRenewalSteps,
  createIssueStageStep,
  createObjectTrustStep,
  createTidyStep,
  createTrustStageStep,
  dropExchangesOf,
  exchangesOf,
  findFormerCas,
  stageStepIds,
} from '@kube-rescue/cert-rotation/rotation';
import type { HostPath } from '@kube-rescue/host';
import type { Node } from '@kube-rescue/node';
import type { Step, StepId } from '@kube-rescue/workflow';
import { createApiGate, createNodeGate } from '../gates/gates.ts';
import { createLeaderGate } from '../gates/leader-gate.ts';
import { createPublishedCaGate } from '../kubeadm/published-ca-gate.ts';
import { createClientAcceptanceGate, createMountedTrustGate, createPublishedTrustGate } from './acceptance-gates.ts';
import { createEtcdServingGate } from './etcd-gate.ts';
import { createOtherNodesStep } from './other-nodes-step.ts';
import { createPublicationSteps } from './publication-step.ts';
import {
  accessObjects,
  contextOf,
  isStageDue,
  inspectRotationOfNode,
  mayBegin,
  type RotationInput,
  type RotationStatus,
  type RotationStageName,
} from './rotation-input.ts';
import { createRotationRestartStep } from './rotation-restart.ts';
import { createRereadGate } from './settled-gate.ts';
import { createPodCertificateStep } from './pod-certificates-step.ts';
import { createStalePodStep } from './stale-pod-steps.ts';

/** Written objects must stay unchanged this long: the API server would restore a CA that it still trusts. */
const SETTLE_MS = 4_000;

type StageSteps = (status: RotationStatus, input: RotationInput, node: Node) => Promise<readonly Step[]>;

/** The steps of each stage: files, restarts, gates, objects, pods. */
export const STAGE_STEPS: Readonly<Record<RotationStageName, StageSteps>> = {
  trust: async (_status, input, node) => {
    const { ca } = input;
    const files = stageStepIds(ca).trust;
    const options = { ...input, mayBegin: mayBegin(input) };
    const restart = `trust/${ca}-ca/restart`;
    const gate = (name: string, requires: readonly StepId[] = [restart, files]) => ({
      id: `trust/${ca}-ca/${name}`,
      requires,
    });
    const objects = gate('objects').id;
    return [
      ...createPublicationSteps('trust', input, node),
      createTrustStageStep(options, contextOf(input, node)),
      createRotationRestartStep('trust', { id: restart, requires: [files] }, input, node),
      ...createControlPlaneGates('trust', [restart], input, node),
      ...(ca === 'cluster' ? [createClientAcceptanceGate(gate('accepted'), input, node)] : []),
      ...(ca === 'cluster' || ca === 'front-proxy'
        ? [createPublishedTrustGate(gate('api-trusts'), { ...input, ca }, node)]
        : []),
      afterFiles(
        createObjectTrustStep(
          {
            id: objects,
            title: 'trust both CAs in the objects of the cluster',
            requires: [files, restart],
            findExchanges: async () => {
              const now = await inspectRotationOfNode(input, node);
              return now.state.stage === 'trust' ? exchangesOf(now.state) : [];
            },
          },
          { objects: accessObjects(node), clock: node.clock },
        ),
        { stage: 'trust', summary: 'waits for the new CA' },
        input,
        node,
      ),
      ...(ca === 'cluster'
        ? [
            createMountedTrustGate(gate('mounted', [objects, restart]), input, node),
            createPods('trust', [restart, files], input, node),
          ]
        : []),
    ];
  },
  issue: async ({ node: { inspection } }, input, node) => {
    const { ca } = input;
    const context = contextOf(input, node);
    const files = stageStepIds(ca).issue;
    const inventory = await inspectCertificates(inspection, node);
    const options = { newKeys: input.newKeys, days: input.days };
    const renewals = createIssueRenewalSteps({ inventory, options }, context, node) as readonly Step[];
    const restart = `issue/${ca}-ca/restart`;
    const made = [files, ...renewals.map(({ id }) => id)];
    return [
      ...(ca === 'cluster' ? [createOtherNodesStep('issue', input, node)] : []),
      ...createPublicationSteps('issue', input, node),
      createIssueStageStep(context, { mayBegin: input.hasBegun !== true }),
      ...renewals,
      createRotationRestartStep('issue', { id: restart, requires: made }, input, node),
      ...createControlPlaneGates('issue', [restart, ...made], input, node),
      ...(ca === 'cluster' ? [createPodCertificateStep('issue', [restart, ...made], input, node)] : []),
    ];
  },
  drop: async (_status, input, node) => {
    const { ca } = input;
    const context = contextOf(input, node);
    const ids = stageStepIds(ca);
    const restart = `drop/${ca}-ca/restart`;
    const reread = `drop/${ca}-ca/reread`;
    const hasRereading = ca === 'cluster' || ca === 'front-proxy';
    return [
      ...(ca === 'cluster' ? [createOtherNodesStep('drop', input, node)] : []),
      ...createPublicationSteps('drop', input, node),
      createDropStageStep({ requires: [] }, context),
      createRotationRestartStep('drop', { id: restart, requires: [ids.drop] }, input, node),
      ...createControlPlaneGates('drop', [restart, ids.drop], input, node),
      ...(hasRereading ? [createRereadGate({ id: reread, requires: [ids.drop] }, input, node)] : []),
      createObjectTrustStep(
        {
          id: `drop/${ca}-ca/objects`,
          title: 'trust only the new CA in the objects of the cluster',
          requires: [ids.drop, restart],
          settleMs: SETTLE_MS,
          findExchanges: async (store, signal) => {
            const { state } = await inspectRotationOfNode(input, node);
            if (state.stage !== 'settled') return [];
            const former = await findFormerCas(state.current.certificate, store, signal);
            return dropExchangesOf({ ...state, former });
          },
        },
        { objects: accessObjects(node), clock: node.clock },
      ),
      createTidyStep({ requires: [restart] }, context),
      ...(ca === 'cluster'
        ? [
            createPods('drop', [restart, ids.drop], input, node),
            createPodCertificateStep('drop', [restart, ids.drop], input, node),
          ]
        : []),
    ];
  },
};

/** The gates that verify the control plane with the current files. */
function createControlPlaneGates(
  stage: RotationStageName,
  requires: readonly StepId[],
  input: RotationInput,
  node: Node,
): readonly Step[] {
  const gates = [
    ...(input.ca === 'etcd' || input.ca === 'etcd-peer'
      ? [createEtcdServingGate({ id: 'etcd-serving', requires }, input, node)]
      : []),
    createApiGate(node, requires),
    ...(input.ca === 'cluster'
      ? [
          createLeaderGate('kube-controller-manager', node, requires),
          createLeaderGate('kube-scheduler', node, requires),
          createNodeGate(node, requires),
          createPublishedCaGate(node, { warns: false }, requires),
        ]
      : []),
  ];
  return gates.map((gate) => ({ ...gate, id: `${stage}/${gate.id}` }));
}

function createPods(stage: 'trust' | 'drop', requires: readonly StepId[], input: RotationInput, node: Node): Step {
  const findChanged = async (): Promise<HostPath | undefined> => {
    const { state } = await inspectRotationOfNode(input, node);
    const isDue = stage === 'trust' ? state.stage === 'trust' : state.stage === 'settled';
    return isDue ? state.files.certificate : undefined;
  };
  const restart = input.restartPods;
  const options = { id: `${stage}/pods`, requires, restart, findChanged };
  const step = createStalePodStep(options, { ...node, access: accessObjects(node) });
  if (restart !== true) return step;
  return afterFiles(step, { stage, summary: 'pods restart after the CA is published' }, input, node);
}

/** Defers the check of a step until the files of a stage are changed. */
function afterFiles(
  step: Step,
  { stage, summary }: { readonly stage: RotationStageName; readonly summary: string },
  input: RotationInput,
  node: Node,
): Step {
  return {
    ...step,
    check: async (signal) => {
      const { state } = await inspectRotationOfNode(input, node);
      if (!isStageDue(stage, state.stage, input)) return step.check(signal);
      const waitsFor = [stageStepIds(input.ca)[stage]];
      return {
        status: 'blocked',
        summary,
        evidence: [],
        code: 'PKI_ROTATION_STAGE',
        waitsFor,
      };
    },
  };
}
