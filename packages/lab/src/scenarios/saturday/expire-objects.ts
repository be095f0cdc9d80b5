import type { LabDeps } from '../../cluster/deps.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { replacePublishedCa } from '../ca-expired/published-ca.ts';
import type { LivingPki } from './certificates.ts';

/**
 * Puts expired certificates into every object that carries the ones in use, through the API server that still runs: the
 * Secrets of the API server and of kube-controller-manager, those of every service account, and the published CA.
 */
export async function expireObjects(
  cluster: SelfHostedCluster,
  { living, expired }: { readonly living: LivingPki; readonly expired: LivingPki },
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
  await replacePublishedCa(cluster, { old: living.kube.ca.certificate, replacement: ca }, deps);
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
