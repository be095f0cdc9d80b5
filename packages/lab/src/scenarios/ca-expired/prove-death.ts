import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import {
  proveEtcdctlFails,
  proveKubectlFails,
  proveKubeletStaysDown,
  proveNothingListens,
} from '../kubeadm-expired/prove-death.ts';
import { isCaExpired, type KubeadmCaName } from './ca-file.ts';
import { askThroughFrontProxy } from './front-proxy.ts';

type ProveFault = (cluster: Cluster, deps: LabDeps) => Promise<Proof>;

/** The outage that each CA causes. */
const PROOFS: Readonly<Record<KubeadmCaName, readonly ProveFault[]>> = {
  ca: [proveNothingListens, proveKubectlFails, proveEtcdctlFails],
  'etcd/ca': [proveEtcdctlFails, proveKubectlFailsFor],
  'front-proxy-ca': [proveFrontProxyRejected],
};

/** Proves the outage of everything that depends on the CA. */
export async function proveCaExpired(cluster: Cluster, ca: KubeadmCaName, deps: LabDeps): Promise<readonly Proof[]> {
  const expired = await proveExpired(cluster, ca, deps);
  // This starts the kubelet, so check for listeners afterwards.
  const kubelet = ca === 'ca' ? [await proveKubeletStaysDown(cluster, deps)] : [];
  return [expired, ...kubelet, ...(await Promise.all(PROOFS[ca].map((proveFault) => proveFault(cluster, deps))))];
}

function proveExpired(cluster: Cluster, ca: KubeadmCaName, deps: LabDeps): Promise<Proof> {
  return prove(`${ca}.crt has expired`, async () => {
    const isExpired = await isCaExpired(cluster, ca, deps);
    return { ok: isExpired, detail: isExpired ? 'openssl reports it as expired' : 'openssl reports it as valid' };
  });
}

const TRIES = 6;
const INTERVAL_MS = 1500;

/** The API server restarts repeatedly meanwhile, so one failed request would prove little. */
function proveKubectlFailsFor(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove(`kubectl does not reach the API server in ${TRIES} tries`, async () => {
    let last = '';
    for (let tried = 0; tried < TRIES; tried += 1) {
      const { ok, detail } = await proveKubectlFails(cluster, deps);
      if (!ok) return { ok: false, detail: 'the API server answered' };
      last = detail;
      await deps.clock.sleep(INTERVAL_MS, deps.signal);
    }
    return { ok: true, detail: last };
  });
}

function proveFrontProxyRejected(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('a request with the front proxy certificate is rejected', async () => {
    const status = await askThroughFrontProxy(cluster, deps);
    return { ok: status === '401', detail: `the API server answers ${status}` };
  });
}
