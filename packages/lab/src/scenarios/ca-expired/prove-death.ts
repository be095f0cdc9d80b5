import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../cluster/deps.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import {
  proveEtcdctlFails,
  proveKubectlFails,
  proveKubeletStaysDown,
  proveNothingListens,
} from '../kubeadm-expired/prove-death.ts';
import type { LabCaName } from './lab-ca-name.ts';
import { isCaExpired } from './ca-file.ts';
import { askThroughFrontProxy } from './front-proxy.ts';

type Look = (cluster: Cluster, deps: LabDeps) => Promise<Proof>;

/** What stops with a CA. */
const LOOKS: Readonly<Record<LabCaName, readonly Look[]>> = {
  ca: [proveNothingListens, proveKubectlFails, proveEtcdctlFails],
  'etcd/ca': [proveEtcdctlFails, proveKubectlFailsFor],
  'front-proxy-ca': [proveFrontProxyRefused],
};

/** Looks whether what depends on the CA is really dead. */
export async function proveCaExpired(cluster: Cluster, ca: LabCaName, deps: LabDeps): Promise<readonly Proof[]> {
  const expired = await proveExpired(cluster, ca, deps);
  // It is started for this look; what listens is looked for afterwards.
  const kubelet = ca === 'ca' ? [await proveKubeletStaysDown(cluster, deps)] : [];
  return [expired, ...kubelet, ...(await Promise.all(LOOKS[ca].map((look) => look(cluster, deps))))];
}

function proveExpired(cluster: Cluster, ca: LabCaName, deps: LabDeps): Promise<Proof> {
  return prove(`${ca}.crt has expired`, async () => {
    const isExpired = await isCaExpired(cluster, ca, deps);
    return { ok: isExpired, detail: isExpired ? 'openssl says so' : 'openssl calls it valid' };
  });
}

const TRIES = 6;
const INTERVAL_MS = 1500;

/** The API server is started again and again meanwhile, so that one look would prove little. */
function proveKubectlFailsFor(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove(`kubectl does not reach the API server in ${TRIES} tries`, async () => {
    let last = '';
    for (let tried = 0; tried < TRIES; tried += 1) {
      const { ok, detail } = await proveKubectlFails(cluster, deps);
      if (!ok) return { ok: false, detail: 'it answered' };
      last = detail;
      await deps.clock.sleep(INTERVAL_MS, deps.signal);
    }
    return { ok: true, detail: last };
  });
}

function proveFrontProxyRefused(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('a request with the front proxy certificate is refused', async () => {
    const status = await askThroughFrontProxy(cluster, deps);
    return { ok: status === '401', detail: `the API server answers ${status}` };
  });
}
