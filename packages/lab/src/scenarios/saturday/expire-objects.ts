import type { LabDeps } from '../../machine/lab-deps.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { replacePublishedCa } from '../ca-expired/published-ca.ts';
import type { CurrentPki } from './certificates.ts';

/**
 * Replaces the current certificates in every object by expired ones, through the running API server: in the Secrets of the
 * API server, of kube-controller-manager and of every service account, and the published CA.
 */
export async function expireObjects(
  cluster: SelfHostedCluster,
  { current, expired }: { readonly current: CurrentPki; readonly expired: CurrentPki },
  deps: LabDeps,
): Promise<void> {
  const ca = expired.kube.ca.certificate;
  await patchSecret(cluster, 'kube-controller-manager', { 'ca.crt': ca }, deps);
  await patchSecret(
    cluster,
    'kube-apiserver',
    {
      'ca.crt': ca,
      'oidc-ca.crt': ca,
      'apiserver.crt': expired.kube.apiserver.certificate,
      'etcd-client-ca.crt': expired.etcdCaPair.certificate,
      'etcd-client.crt': expired.etcdClient.certificate,
    },
    deps,
  );
  await replacePublishedCa(cluster, { old: current.kube.ca.certificate, replacement: ca }, deps);
}

async function patchSecret(
  cluster: SelfHostedCluster,
  name: string,
  files: Readonly<Record<string, string>>,
  deps: LabDeps,
): Promise<void> {
  const data = Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const);
  const patch = JSON.stringify({ data: Object.fromEntries(data) });
  const argv = ['kubectl', '--namespace=kube-system', 'patch', 'secret', name, '--patch', patch] as const;
  await runOnNode(cluster, argv, deps);
}
