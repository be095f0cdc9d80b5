import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { type EquippedNode, execOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { waitFor } from '../../machine/waiting.ts';
import { readLeafCertificates } from '../kubeadm-expired/leaf-certificates.ts';
import { proveLife } from '../kubeadm-expired/prove-life.ts';
import type { ProveLifeInput } from '../scenario.ts';
import { caFileOf, isCaExpired, type KubeadmCaName } from './ca-file.ts';
import { askThroughFrontProxy } from './front-proxy.ts';
import { listPublished, publishedCa } from './published-ca.ts';
import { proveServiceAccountPod } from './service-account-pod.ts';

const DEADLINE_MS = 90_000;

/** Proves that the cluster works, and that its CAs are valid and distributed everywhere. */
export async function proveCaRenewed(
  cluster: Cluster,
  ca: KubeadmCaName,
  input: ProveLifeInput,
  deps: LabDeps,
): Promise<readonly Proof[]> {
  const first = await Promise.all([
    proveLife(cluster, input, deps),
    proveCaValid(cluster, ca, deps),
    proveTrust(cluster, deps),
  ]);
  // A pod that starts before the CA is published would get the old one.
  return [...first.flat(), await proveServiceAccountPod(cluster, deps)];
}

/** Proves that the CAs of the cluster are valid, distributed everywhere, and have signed every certificate in use. */
export function proveTrust(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  return Promise.all([
    proveChains(cluster, deps),
    proveApisAvailable(cluster, deps),
    provePublished(cluster, deps),
    proveFrontProxyAccepted(cluster, deps),
  ]);
}

function proveCaValid(cluster: Cluster, ca: KubeadmCaName, deps: LabDeps): Promise<Proof> {
  return prove(`${ca}.crt is valid`, async () => {
    const isExpired = await isCaExpired(cluster, ca, deps);
    return { ok: !isExpired, detail: isExpired ? 'openssl reports it as expired' : 'openssl reports it as valid' };
  });
}

/** Proves by openssl that every leaf certificate of a node chains to its CA there. */
export function proveChains(cluster: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('openssl verifies every leaf certificate strictly against its CA', async () => {
    const leaves = await readLeafCertificates(cluster.node, deps);
    const verdicts = await Promise.all(
      leaves.map(async ({ issuer, certificate }) => {
        const argv = ['openssl', 'verify', '-x509_strict', '-CAfile', caFileOf(issuer)] as const;
        return execOnNode(cluster, argv, deps, { input: certificate });
      }),
    );
    const bad = leaves.filter((_, index) => verdicts[index]?.exitCode !== 0).map(({ path }) => path);
    return { ok: bad.length === 0, detail: bad.length === 0 ? `${leaves.length} verified` : bad.join(', ') };
  });
}

function proveApisAvailable(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('kubectl get --raw /apis answers, and every APIService is available', async () => {
    const path = '{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Available")].status}{"\\n"}{end}';
    const value = await waitFor(deps, {
      subject: 'apiservices',
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const raw = await execOnNode(cluster, ['kubectl', 'get', '--raw', '/apis'], deps);
        if (raw.exitCode !== 0) return { waitingFor: raw.stderr.trim() };
        const { stdout } = await execOnNode(
          cluster,
          ['kubectl', 'get', 'apiservices', '--output', `jsonpath=${path}`],
          deps,
        );
        const lines = stdout.trim().split('\n');
        const missing = lines.filter((line) => !line.endsWith(' True'));
        return missing.length === 0
          ? { value: `${lines.length} available` }
          : { waitingFor: `not available: ${missing.join(', ')}` };
      },
    });
    return { ok: true, detail: value };
  });
}

/** Proves that the cluster publishes its CA: kube-controller-manager does once it has been restarted with it. */
export function provePublished(cluster: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('every service account and namespace has the current CA certificate', async () => {
    const present = await readNodeText(nodeFile(cluster.node, caFileOf('ca')), deps);
    const value = await waitFor(deps, {
      subject: 'kube-root-ca.crt',
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const api = await execOnNode(cluster, ['kubectl', 'get', '--raw', '/readyz', '--request-timeout=5s'], deps);
        if (api.exitCode !== 0) return { waitingFor: api.stderr.trim() };
        const all = (await listPublished(cluster, deps)).filter((object) => publishedCa(object) !== undefined);
        const old = all.filter((object) => publishedCa(object)?.trim() !== present.trim());
        const names = old.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
        return old.length === 0 && all.length > 0
          ? { value: `${all.length} Secrets and ConfigMaps hold it` }
          : { waitingFor: `another CA is in ${names.join(', ')}` };
      },
    });
    return { ok: true, detail: value };
  });
}

/** Proves that the API server of a node accepts the front proxy certificate of that node. */
export function proveFrontProxyAccepted(cluster: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('a request with the front proxy certificate is accepted', async () => {
    const status = await askThroughFrontProxy(cluster, deps);
    return { ok: status === '200', detail: `the API server answers ${status}` };
  });
}
