import { hostPath, parentPath } from '@kube-rescue/host';
import type { KeyPair } from '../../cluster/certificate-signing.ts';
import { runCommand } from '../../machine/command.ts';
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

/**
 * Writes the output of `gencerts.sh` of coreos/tls_rotate to the control-plane node: certificates with their text, kubeconfigs,
 * and patches by stage.
 */
export async function writeRotationSet(cluster: SelfHostedCluster, set: RotationSet, deps: LabDeps): Promise<void> {
  for (const [path, text] of Object.entries(renderRotationSet(set))) {
    const file = nodeFile(cluster.node, `${ROTATION_SET}/${path}`);
    await deps.host.makeDirectory(parentPath(file), { mode: 0o755 });
    await deps.host.writeFile(file, Buffer.from(text), { mode: path.endsWith('.key') ? 0o600 : 0o644 });
    // The bundles are made after the texts.
    if (!path.endsWith('.crt') || path.endsWith('old_new_ca.crt')) continue;
    const { stdout } = await runCommand(deps, ['openssl', 'x509', '-in', file, '-noout', '-text']);
    await deps.host.writeFile(hostPath(file.replace(/crt$/, 'txt')), Buffer.from(stdout), { mode: 0o644 });
  }
}

/** The files of the set, by their path below its directory, without the texts of the certificates. */
export function renderRotationSet({ current, kube, etcd, tectonic }: RotationSet): Readonly<Record<string, string>> {
  const bundle = current.kube.ca.certificate + kube.ca.certificate;
  const etcdBundle = current.etcdCaPair.certificate + etcd.ca.certificate;
  const bundleKubeconfig = renderRotatedKubeconfig(bundle, kube.kubelet);
  const apiserver = (files: Readonly<Record<string, string>>) => patch('kube-apiserver', files);
  const caOnly = (ca: string) => apiserver({ 'ca.crt': ca, 'oidc-ca.crt': ca });
  const controllers = (ca: string) => patch('kube-controller-manager', { 'ca.crt': ca });
  return {
    ...pairFiles('tls', { ca: kube.ca, apiserver: kube.apiserver, kubelet: kube.kubelet }),
    ...pairFiles('tls', tectonic),
    'tls/old_new_ca.crt': bundle,
    ...pairFiles('tls/etcd', { ca: etcd.ca, server: etcd.server, peer: etcd.peer, client: etcd.client }),
    'tls/etcd/old_new_ca.crt': etcdBundle,
    // The final kubeconfig takes its place at the end of the rotation.
    'auth/kubeconfig': bundleKubeconfig,
    'patches/etcd/etcd-bundle-ca.patch': apiserver({ 'etcd-client-ca.crt': etcdBundle }),
    'patches/etcd/etcd-ca.patch': apiserver({ 'etcd-client-ca.crt': etcd.ca.certificate }),
    'patches/etcd/etcd-client-cert.patch': apiserver({
      'etcd-client.crt': etcd.client.certificate,
      'etcd-client.key': etcd.client.key,
    }),
    'patches/step_1/kube-apiserver-secret.patch': caOnly(bundle),
    'patches/step_1/kube-controller-manager-secret.patch': controllers(bundle),
    ...renderTectonicPatches(kube.ca.certificate, tectonic),
    'patches/step_1/bundle_kubeconfig': bundleKubeconfig,
    'patches/step_2/kube-apiserver-secret.patch': apiserver({
      'apiserver.crt': kube.apiserver.certificate,
      'apiserver.key': kube.apiserver.key,
    }),
    'patches/step_3/kube-apiserver-secret.patch': caOnly(kube.ca.certificate),
    'patches/step_3/kube-controller-manager-secret.patch': controllers(kube.ca.certificate),
    'patches/step_3/final_kubeconfig': renderRotatedKubeconfig(kube.ca.certificate, kube.kubelet),
  };
}

function renderTectonicPatches(ca: string, tectonic: TectonicPki): Readonly<Record<string, string>> {
  const secret = (name: string, files: Readonly<Record<string, string>>) => patch(name, files, 'tectonic-system');
  const grpc = (name: string, { certificate, key }: KeyPair): string =>
    secret(name, { 'ca-cert': ca, 'tls-cert': certificate, 'tls-key': key });
  const ingress = tectonic['ingress-server'];
  return {
    'patches/step_1/tectonic-ca-cert-secret.patch': secret('tectonic-ca-cert-secret', { 'ca-cert': ca }),
    'patches/step_1/ingress-tls.patch': secret('tectonic-ingress-tls-secret', {
      'tls.crt': ingress.certificate,
      'tls.key': ingress.key,
    }),
    'patches/step_1/identity-grpc-client.patch': grpc(
      'tectonic-identity-grpc-client-secret',
      tectonic['identity-grpc-client'],
    ),
    'patches/step_1/identity-grpc-server.patch': grpc(
      'tectonic-identity-grpc-server-secret',
      tectonic['identity-grpc-server'],
    ),
  };
}

/** The kubeconfig of the script: another name of the cluster, and a space after each value. */
function renderRotatedKubeconfig(ca: string, kubelet: KeyPair): string {
  return renderKubeconfig(ca, kubelet, 'my-cluster').replace(/(-data: \S+)$/gm, '$1 ');
}

function pairFiles(directory: string, pairs: Readonly<Record<string, KeyPair>>): Readonly<Record<string, string>> {
  const files = Object.entries(pairs).flatMap(([name, { certificate, key }]) => [
    [`${directory}/${name}.crt`, certificate] as const,
    [`${directory}/${name}.key`, key] as const,
  ]);
  return Object.fromEntries(files);
}

/** Renders a patch for `kubectl patch --filename PATCH --patch`, which reads the Secret's name from it. */
function patch(name: string, files: Readonly<Record<string, string>>, namespace = 'kube-system'): string {
  const lines = Object.entries(files).map(([key, text]) => `  ${key}: ${Buffer.from(text).toString('base64')}\n`);
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${name}
  namespace: ${namespace}
data:
${lines.join('')}`;
}
