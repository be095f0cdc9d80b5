import type { CaId } from '@kube-rescue/cert-rotation';
import { type TrustPublication, trustPublication } from '@kube-rescue/cert-rotation/rotation';
import type { Change, Finding, Step } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';
import {
  accessObjects,
  isStageDue,
  inspectRotationOfNode,
  type RotationInput,
  type RotationStageName,
} from './rotation-input.ts';

type Publication = Pick<TrustPublication, 'name' | 'field' | 'publisher'>;

const AUTHENTICATION = { name: 'extension-apiserver-authentication', publisher: 'the API server' } as const;

/** The ConfigMaps in which the control plane itself publishes a CA. */
const PUBLICATIONS: Partial<Readonly<Record<CaId, readonly Publication[]>>> = {
  cluster: [
    { ...AUTHENTICATION, field: 'client-ca-file' },
    { name: 'kube-root-ca.crt', field: 'ca.crt', publisher: 'kube-controller-manager' },
  ],
  'front-proxy': [{ ...AUTHENTICATION, field: 'requestheader-client-ca-file' }],
};

interface PublicationFinding extends Finding {
  readonly changes: readonly Change[];
}

/**
 * The first step of a stage: records the published CA bundles, so that a rollback waits until these are published again. Their
 * undo runs last, after the components restarted with the old files. No step for a CA that no component publishes.
 */
export function createPublicationSteps(stage: RotationStageName, input: RotationInput, node: Node): readonly Step[] {
  const publications = PUBLICATIONS[input.ca] ?? [];
  if (publications.length === 0) return [];
  const step: Step<PublicationFinding> = {
    id: `${stage}/${input.ca}-ca/published`,
    title: 'record the CA bundles that the control plane publishes',
    requires: [],
    reversible: 'yes',
    check: async () => {
      const { state } = await inspectRotationOfNode(input, node);
      if (!isStageDue(stage, state.stage, input)) {
        return { status: 'ok', summary: 'the stage has begun', evidence: [], changes: [] };
      }
      const changes = publications.map((each) => trustPublication(each, accessObjects(node).source));
      return {
        status: 'needed',
        summary: 'the control plane will publish another CA',
        evidence: [],
        changes,
      };
    },
    plan: ({ changes }) => changes,
    apply: (changes, journal) => journal.perform(changes.map((change) => ({ change }))),
    verify: () => Promise.resolve({ verified: true, evidence: ['the published CA bundles are recorded for rollback'] }),
  };
  return [step];
}
