import { joinPath } from '@kube-rescue/host';
import { type KeyPair, resignCertificate } from '../../certificate-signing.ts';
import type { LabDeps } from '../../deps.ts';
import { nodeFile } from '../../lab-folder.ts';
import { readNodeText } from '../../node-text.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { ETCD_TLS_FOLDER } from '../../self-hosted/layout.ts';
import { authorityFiles, pkiFolder } from '../../self-hosted/pki.ts';
import { expiredValidity } from '../kubeadm-expired/expire-certificates.ts';

/** The CA of a cluster with a validity that ended yesterday, as PEM; the one in use stays as it is. */
export async function expiredAuthority(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const folder = pkiFolder(cluster.id);
  const files = authorityFiles(folder, 'kube-ca');
  const pair: KeyPair = {
    certificate: await readNodeText(files.certificate, deps),
    key: await readNodeText(files.key, deps),
  };
  const validity = expiredValidity(deps.clock.now());
  return resignCertificate({ ...pair, issuer: 'self', validity, workFolder: folder }, deps);
}

/** etcd's client certificate with a validity that ended yesterday, as PEM. */
export async function expiredEtcdClient(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const folder = pkiFolder(cluster.id);
  const read = (extension: string): Promise<string> => {
    return readNodeText(joinPath(nodeFile(cluster.node, ETCD_TLS_FOLDER), `client.${extension}`), deps);
  };
  const pair: KeyPair = { certificate: await read('crt'), key: await read('key') };
  const validity = expiredValidity(deps.clock.now());
  const issuer = authorityFiles(folder, 'etcd-ca');
  return resignCertificate({ ...pair, issuer, validity, workFolder: folder }, deps);
}
