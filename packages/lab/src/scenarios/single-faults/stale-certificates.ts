import { joinPath } from '@kube-rescue/host';
import { type KeyPair, resignCertificate } from '../../cluster/certificate-signing.ts';
import type { LabDeps } from '../../cluster/deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { ETCD_TLS_FOLDER } from '../../self-hosted/layout.ts';
import { caFiles, pkiDirectory } from '../../self-hosted/pki.ts';
import { expiredValidity } from '../kubeadm-expired/expire-certificates.ts';

/** The CA of a cluster with a validity that ended yesterday, as PEM; the one in use stays as it is. */
export async function expiredCaName(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const folder = pkiDirectory(cluster.id);
  const files = caFiles(folder, 'kube-ca');
  const pair: KeyPair = {
    certificate: await readNodeText(files.certificate, deps),
    key: await readNodeText(files.key, deps),
  };
  const validity = expiredValidity(deps.clock.now());
  return resignCertificate({ ...pair, issuer: 'self', validity, workFolder: folder }, deps);
}

/** etcd's client certificate with a validity that ended yesterday, as PEM. */
export async function expiredEtcdClient(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const folder = pkiDirectory(cluster.id);
  const read = (extension: string): Promise<string> => {
    return readNodeText(joinPath(nodeFile(cluster.node, ETCD_TLS_FOLDER), `client.${extension}`), deps);
  };
  const pair: KeyPair = { certificate: await read('crt'), key: await read('key') };
  const validity = expiredValidity(deps.clock.now());
  const issuer = caFiles(folder, 'etcd-ca');
  return resignCertificate({ ...pair, issuer, validity, workFolder: folder }, deps);
}
