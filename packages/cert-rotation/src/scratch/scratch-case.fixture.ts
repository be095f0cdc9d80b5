import { createFixedClock } from '@kube-rescue/testing';
import type { Host } from '@kube-rescue/host';
import type { InspectionInput } from '../inventory/inventory.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { NOW } from '../kubeadm-node.fixture.ts';
import type { RenewalOptions } from '../renewal/renewal-options.ts';
import { createRenewalSteps } from '../renewal/renewal-steps.ts';
import type { ScratchFacts } from './scratch-facts.ts';

/** What the files of the fixture's node tell. */
export const FACTS: ScratchFacts = {
  nodeName: 'node01',
  clusterDomain: 'cluster.local',
  kubernetesMinor: 20,
  controlPlaneUrl: undefined,
  apiServerNames: [],
  etcdServerNames: [],
  etcdPeerNames: [],
  configuredLifetime: undefined,
};

/** The steps of a renewal that makes lost files from scratch. */
export async function scratchSteps(
  { host, input }: { readonly host: Host; readonly input: InspectionInput },
  { facts = FACTS, ...options }: RenewalOptions & { readonly facts?: ScratchFacts } = {},
) {
  const inventory = await inspectCertificates(input, { host });
  return createRenewalSteps({ inventory, options, facts }, { host, clock: createFixedClock(NOW) });
}
