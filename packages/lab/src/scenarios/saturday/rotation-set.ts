import { parentPath } from '@kube-rescue/host';
import type { KeyPair } from '../../cluster/certificate-signing.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { renderKubeconfig } from '../../self-hosted/kubeconfig.ts';
import type { CurrentPki, RotatedPki, TectonicPki } from './certificates.ts';

/** Where the operator left the output of `tls_rotate`. */
export const ROTATION_SET = '/home/core/tls_rotate/generated';

export interface RotationSet extends RotatedPki {
  /** The certificates in use when the rotation was run. */
  readonly current: CurrentPki;
}

/** Writes the output of CoreOS' `tls_rotate` to the control-plane node: certificates, kubeconfigs, and patches by stage. */
export async function writeRotationSet(cluster: SelfHostedCluster, set: RotationSet, deps: LabDeps): Promise<void> {
  for (const [path, text] of Object.entries(renderRotationSet(set))) {
    const file = nodeFile(cluster.node, `${ROTATION_SET}/${path}`);
    await deps.host.makeDirectory(parentPath(file), { mode: 0o755 });
    await deps.host.writeFile(file, Buffer.from(text), { mode: path.endsWith('.key') ? 0o600 : 0o644 });
  }
}

/** The files of the set, by their path below its directory. */
export function renderRotationSet({ current, kube, etcd, tectonic }: RotationSet): Readonly<Record<string, string>> {
  const bundle = current.kube.ca.certificate + kube.ca.certificate;
  const etcdBundle = current.etcdCaPair.certificate + etcd.ca.certificate;
  const caOnly = (certificate: string) => patch({ 'ca.crt': certificate, 'oidc-ca.crt': certificate });
  const kubeconfig = renderKubeconfig(kube.ca.certificate, kube.kubelet);
  return {
    ...pairFiles('tls', { ca: kube.ca, apiserver: kube.apiserver, kubelet: kube.kubelet }),
    ...pairFiles('tls', tectonic),
    'tls/old_new_ca.crt': bundle,
    ...pairFiles('tls/etcd', { ca: etcd.ca, server: etcd.server, peer: etcd.peer, client: etcd.client }),
    'tls/etcd/old_new_ca.crt': etcdBundle,
    'auth/kubeconfig': kubeconfig,
    'patches/etcd/etcd-bundle-ca.patch': patch({ 'etcd-client-ca.crt': etcdBundle }),
    'patches/etcd/etcd-ca.patch': patch({ 'etcd-client-ca.crt': etcd.ca.certificate }),
    'patches/etcd/etcd-client-cert.patch': patch({
      'etcd-client.crt': etcd.client.certificate,
      'etcd-client.key': etcd.client.key,
    }),
    'patches/step_1/kube-apiserver-secret.patch': caOnly(bundle),
    'patches/step_1/kube-controller-manager-secret.patch': patch({ 'ca.crt': bundle }),
    ...renderTectonicPatches(kube.ca.certificate, tectonic),
    'patches/step_1/bundle_kubeconfig': renderKubeconfig(bundle, kube.kubelet),
    'patches/step_2/kube-apiserver-secret.patch': patch({
      'apiserver.crt': kube.apiserver.certificate,
      'apiserver.key': kube.apiserver.key,
    }),
    'patches/step_3/kube-apiserver-secret.patch': caOnly(kube.ca.certificate),
    'patches/step_3/kube-controller-manager-secret.patch': patch({ 'ca.crt': kube.ca.certificate }),
    'patches/step_3/final_kubeconfig': kubeconfig,
  };
}

function renderTectonicPatches(ca: string, tectonic: TectonicPki): Readonly<Record<string, string>> {
  const grpc = ({ certificate, key }: KeyPair): string =>
    patch({ 'ca-cert': ca, 'tls-cert': certificate, 'tls-key': key });
  const ingress = tectonic['ingress-server'];
  return {
    'patches/step_1/tectonic-ca-cert-secret.patch': patch({ 'ca-cert': ca }),
    'patches/step_1/ingress-tls.patch': patch({ 'tls.crt': ingress.certificate, 'tls.key': ingress.key }),
    'patches/step_1/identity-grpc-client.patch': grpc(tectonic['identity-grpc-client']),
    'patches/step_1/identity-grpc-server.patch': grpc(tectonic['identity-grpc-server']),
  };
}

function pairFiles(directory: string, pairs: Readonly<Record<string, KeyPair>>): Readonly<Record<string, string>> {
  const files = Object.entries(pairs).flatMap(([name, { certificate, key }]) => [
    [`${directory}/${name}.crt`, certificate] as const,
    [`${directory}/${name}.key`, key] as const,
  ]);
  return Object.fromEntries(files);
}

/** Renders a patch for `kubectl patch secret --patch`. */
function patch(files: Readonly<Record<string, string>>): string {
  const lines = Object.entries(files).map(([key, text]) => `  ${key}: ${Buffer.from(text).toString('base64')}\n`);
  return `data:\n${lines.join('')}`;
}
