import { joinPath } from '@kube-rescue/host';
import { type KeyPair, resignCertificate } from '../../cluster/certificate-signing.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { ETCD_TLS_DIRECTORY } from '../../self-hosted/layout.ts';
import { caFiles, pkiDirectory } from '../../self-hosted/pki.ts';
import { expiredValidity } from '../kubeadm-expired/expire-certificates.ts';

/** The cluster CA with a validity that ended yesterday, PEM. The CA in use is unchanged. */
export async function expiredCa(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const directory = pkiDirectory(cluster.id);
  const files = caFiles(directory, 'kube-ca');
  const pair: KeyPair = {
    certificate: await readNodeText(files.certificate, deps),
    key: await readNodeText(files.key, deps),
  };
  const validity = expiredValidity(deps.clock.now());
  return resignCertificate({ ...pair, issuer: 'self', validity, workDirectory: directory }, deps);
}

/** The etcd client certificate with a validity that ended yesterday, PEM. */
export async function expiredEtcdClient(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const directory = pkiDirectory(cluster.id);
  const read = (extension: string): Promise<string> => {
    return readNodeText(joinPath(nodeFile(cluster.node, ETCD_TLS_DIRECTORY), `client.${extension}`), deps);
  };
  const pair: KeyPair = { certificate: await read('crt'), key: await read('key') };
  const validity = expiredValidity(deps.clock.now());
  const issuer = caFiles(directory, 'etcd-ca');
  return resignCertificate({ ...pair, issuer, validity, workDirectory: directory }, deps);
}
