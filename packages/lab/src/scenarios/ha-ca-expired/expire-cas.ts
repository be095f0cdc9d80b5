import { resignCertificate } from '../../cluster/certificate-signing.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { runConcurrently } from '../../machine/concurrency.ts';
import { type LabDeps, secondsSince } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { stopService } from '../../machine/services.ts';
import { caFileOf, CAS, type KubeadmCaName } from '../ca-expired/ca-file.ts';
import { killControllerManager, replaceInKubeconfigs } from '../ca-expired/expire-ca.ts';
import { replacePublishedCa } from '../ca-expired/published-ca.ts';
import { expiredValidity, expireLeaf } from '../kubeadm-expired/expire-certificates.ts';
import { issuerFiles, readLeafCertificates } from '../kubeadm-expired/leaf-certificates.ts';
import { restartMachines } from '../restart-machines.ts';

/**
 * Ages three control planes by ten years: each CA expired yesterday, with the same bytes on every node and wherever the cluster published
 * it, and so did every certificate; the machines restart. The keys stay. Uses only openssl, kubectl, kill, ctr and the service command.
 */
export async function expireCas(cluster: Cluster, deps: LabDeps): Promise<void> {
  const { node, controlPlanes } = cluster;
  const startedAt = deps.clock.now();
  const report = (message: string): void => {
    deps.onProgress?.({ phase: 'break', message: `${message} (${secondsSince(deps.clock, startedAt)} s)` });
  };
  const validity = expiredValidity(startedAt);
  report('re-signing every CA with a validity that ended yesterday');
  const expired = new Map<KubeadmCaName, string>();
  const present = await readNodeText(nodeFile(node, caFileOf('ca')), deps);
  for (const ca of CAS) {
    const files = issuerFiles(node, { issuer: ca });
    const [certificate, key] = [await readNodeText(files.certificate, deps), await readNodeText(files.key, deps)];
    const input = { certificate, key, issuer: 'self', validity, workDirectory: node.directory } as const;
    expired.set(ca, await resignCertificate(input, deps));
  }
  const replacement = expired.get('ca') ?? '';
  report('replacing the cluster CA where kube-controller-manager published it');
  for (const machine of controlPlanes) await stopService(machine.node, 'kubelet', deps);
  await killControllerManager(cluster, deps);
  await replacePublishedCa(cluster, { old: present, replacement }, deps);
  for (const machine of controlPlanes) {
    await replaceInKubeconfigs(machine, present, replacement, deps);
    const leaves = await readLeafCertificates(machine.node, deps);
    report(`${machine.node.name}: re-signing ${leaves.length} certificates with the same validity`);
    await runConcurrently(
      deps,
      leaves.map((leaf) => (each) => expireLeaf(machine, leaf, validity, each)),
    );
    for (const [ca, text] of expired) {
      await deps.host.writeFile(nodeFile(machine.node, caFileOf(ca)), Buffer.from(text), { mode: 0o644 });
    }
  }
  await restartMachines(cluster, deps, report);
}
