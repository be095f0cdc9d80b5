import { type CaExchange, type CaId, createObjectTrustStep, inspectCertificates } from '@kube-rescue/cert-rotation';
import type { HostPath } from '@kube-rescue/host';
import type { Phase, Step, StepId } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';
import { createStalePodStep } from './stale-pod-steps.ts';

/** A CA that is older was not issued by this recovery, nor by one that it goes on with. */
const RECENT_MS = 60 * 60_000;
/** The others are in no object of the cluster's own. */
const PUBLISHED: readonly CaId[] = ['cluster', 'front-proxy'];

interface Recent {
  readonly id: CaId;
  readonly path: HostPath;
  readonly exchange: CaExchange;
}

/**
 * After a CA was issued anew with its own key: the objects of the cluster that hold it as it was (cluster-info with its
 * signatures, caBundles, extension-apiserver-authentication; what kube-controller-manager publishes is done by then), and the
 * pods that do. Where no CA is new, nothing is read.
 */
export function createTrustPhase(
  opened: Node,
  options: { readonly restartPods?: boolean | undefined },
  requires: readonly StepId[],
): Phase {
  const access = opened.objects.access({ via: 'api', search: {} });
  const findRecent = async (node: Node): Promise<readonly Recent[]> => {
    const { cas } = await inspectCertificates((await node.describe()).inspection, node);
    return cas.flatMap(({ id, path, issuer }) => {
      if (!PUBLISHED.includes(id) || !issuer.ok) return [];
      const { certificate } = issuer.value;
      const age = node.clock.now().getTime() - certificate.notBefore.getTime();
      return age > RECENT_MS ? [] : [{ id, path, exchange: { old: certificate, replacement: [certificate] } }];
    });
  };
  const objects = 'objects/trust';
  return opened.phase({
    id: 'trust',
    title: 'Trust in the CA',
    steps: (node) => [
      waiting(
        createObjectTrustStep(
          {
            id: objects,
            title: "put the CA as it is now into the cluster's objects",
            requires,
            findExchanges: async () => (await findRecent(node)).map(({ exchange }) => exchange),
          },
          { objects: access, clock: node.clock },
        ),
        async () => (await findRecent(node)).length > 0,
      ),
      createStalePodStep(
        {
          id: 'pods/restart-stale',
          requires: [objects, ...requires],
          restart: options.restartPods,
          findChanged: async () => (await findRecent(node)).find(({ id }) => id === 'cluster')?.path,
        },
        { ...node, access },
      ),
    ],
  });
}

/** While the API server is dead its objects are not looked at, and without a new CA not at all. */
function waiting(step: Step, isDue: () => Promise<boolean>): Step {
  return {
    ...step,
    check: async (signal) => {
      if (!(await isDue())) return { status: 'ok', summary: 'no CA is new', evidence: [] };
      const finding = await step.check(signal);
      return finding.status === 'unknown' ? { ...finding, status: 'blocked', waitsFor: step.requires } : finding;
    },
  };
}
