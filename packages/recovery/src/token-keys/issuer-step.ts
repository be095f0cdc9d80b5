import { findFlag } from '@kube-rescue/node-config';
import type { Node } from '@kube-rescue/node';
import type { Step, StepId } from '@kube-rescue/workflow';

/** The API server itself, as kubeadm names the issuer. */
const INSIDE = /^https:\/\/kubernetes\.default\.svc(?:\.|\/|$)/;

/**
 * Names the places outside of the cluster that verify tokens by a published copy of the keys: a cloud provider's federation of
 * workload identities reads them at the issuer's URL, where the operator publishes them. Changes nothing.
 */
export function createIssuerStep(requires: readonly StepId[], node: Node): Step {
  return {
    id: 'publish/sa/issuer',
    title: 'find verifiers of tokens outside of the cluster',
    requires,
    reversible: 'yes',
    isProof: true,
    check: () => Promise.resolve({ status: 'ok', summary: 'checked after the new key is published', evidence: [] }),
    plan: () => [],
    apply: () => Promise.resolve(),
    verify: async () => {
      const { components } = await node.describe();
      const flag = (name: string): string | undefined =>
        findFlag(components, { component: 'kube-apiserver', flag: name });
      const elsewhere = flag('service-account-jwks-uri') ?? flag('service-account-issuer') ?? '';
      if (INSIDE.test(elsewhere) || elsewhere === '')
        return { verified: true, evidence: ['the API server itself publishes the keys'] };
      const warning = `tokens may be verified outside of the cluster, by keys published at ${elsewhere}: publish the answer of \`kubectl get --raw /openid/v1/jwks\` there before the next stage`;
      return { verified: true, evidence: [`the issuer or key set is ${elsewhere}`], warnings: [warning] };
    },
  };
}
