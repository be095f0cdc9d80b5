import { type CaEntry, type CaId, inspectCertificates } from '@kube-rescue/cert-rotation';
import type { CaExchange } from '@kube-rescue/cert-rotation/objects';
import { createObjectTrustStep } from '@kube-rescue/cert-rotation/rotation';
import type { HostPath } from '@kube-rescue/host';
import type { Phase, Step, StepId } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';
import { createStalePodStep } from './stale-pod-steps.ts';

/** An older CA was not issued by this recovery, nor by the run that it resumes; one that was issued elsewhere may be older. */
const RECENT_MS = 60 * 60_000;
/** The cluster keeps no other CA in its own objects. */
const PUBLISHED: readonly CaId[] = ['cluster', 'front-proxy'];

interface Recent {
  readonly id: CaId;
  readonly path: HostPath;
  readonly exchange: CaExchange;
}

/**
 * Replaces a reissued CA in the objects of the cluster that hold its old certificate (cluster-info with its signatures, caBundles,
 * extension-apiserver-authentication; kube-controller-manager has published the others by then), and in pods. Reads nothing when
 * no CA is new.
 */
export function createTrustPhase(
  opened: Node,
  options: {
    readonly restartPods?: boolean | undefined;
    /** Whether a CA is new whatever its age. Default: by its age alone. */
    readonly isNew?: ((ca: CaEntry) => boolean) | undefined;
  },
  requires: readonly StepId[],
): Phase {
  const access = opened.objects.access({ via: 'api', search: {} });
  const findRecent = async (node: Node): Promise<readonly Recent[]> => {
    const { cas } = await inspectCertificates((await node.describe()).inspection, node);
    return cas.flatMap((ca) => {
      const { id, path, issuer } = ca;
      if (!PUBLISHED.includes(id) || !issuer.ok) return [];
      const { certificate } = issuer.value;
      const age = node.clock.now().getTime() - certificate.notBefore.getTime();
      const isRecent = age <= RECENT_MS || options.isNew?.(ca) === true;
      return !isRecent ? [] : [{ id, path, exchange: { old: certificate, replacement: [certificate] } }];
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
            title: 'put the current CA into the objects of the cluster',
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

/** Defers the check while the API server is down; reads nothing when no CA is new. */
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
