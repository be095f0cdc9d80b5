import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type PkiOptions, type StepCase } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import { createReissueSteps } from './ca-steps.ts';
import type { CertificateId } from '../inventory/catalogue.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { kubeadmNode, type Node, NOW } from '../kubeadm-node.fixture.ts';
import type { ReissuedCas } from './reissued-cas.ts';
import { createRenewalSteps } from './renewal-steps.ts';

const clock = createFixedClock(NOW);

/**
 * A node for the step laws whose CAs are reissued.
 * @param only the certificates that are read at each check; default: all
 * @param edit what else happened to the files of the node
 * @param reissue makes the certificates that are installed. Default: each CA is issued on the node
 */
export async function reissueCase(
  expired: NonNullable<PkiOptions['expired']>,
  only?: readonly CertificateId[],
  edit?: Parameters<typeof kubeadmNode>[1],
  reissue?: (node: Node) => Promise<ReissuedCas>,
): Promise<StepCase> {
  const node = await kubeadmNode({ algorithm: 'ecdsa', expired, caBundle: true }, edit);
  const input = { ...node.input, only };
  const options = { reissued: await reissue?.(node) };
  const stepsOn = async (host: Host): Promise<readonly Step[]> => {
    const inventory = await inspectCertificates(input, { host });
    const reissued = inventory.cas.map(({ id }) => id);
    return [
      ...createReissueSteps({ inventory, options }, { host, clock }),
      ...createRenewalSteps({ inventory, reissued }, { host, clock }),
    ] as readonly Step[];
  };
  return {
    makeHost: async () => createFakeHost({ tree: node.tree }),
    makePlaybook: (host) => ({
      id: 'reissue',
      title: 'reissue the CAs',
      phases: [{ id: 'pki', title: 'pki', steps: () => stepsOn(host) }],
    }),
    clock,
    directories: ['/etc/kubernetes', '/var/lib/kubelet'].map((directory) => hostPath(directory)),
  };
}
