import { resignCertificate, type Validity } from '../../cluster/certificate-signing.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import type { EquippedNode } from '../../cluster/node-command.ts';
import { type LabDeps, secondsSince } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { runConcurrently } from '../../machine/concurrency.ts';
import { restartMachines } from '../restart-machines.ts';
import { issuerFiles, type LeafCertificate, readLeafCertificates } from './leaf-certificates.ts';

const MS_PER_DAY = 24 * 60 * 60 * 1000;
/** The age of the lab's CAs: kubeadm starts the validity of leaves at that of their CA, and gives them a year. */
const LEAF_AGE_DAYS = 366;

/**
 * Ages a cluster by a year without an upgrade: every leaf certificate of every control plane expired yesterday, and the machines
 * restart, with their containers and their kubelets.
 *
 * Keys, subjects, SANs, usages and CAs stay. Uses only openssl, ctr and the service command.
 */
export async function expireCertificates(cluster: Cluster, deps: LabDeps): Promise<void> {
  const startedAt = deps.clock.now();
  const report = (message: string): void => {
    deps.onProgress?.({ phase: 'break', message: `${message} (${secondsSince(deps.clock, startedAt)} s)` });
  };
  for (const { node } of cluster.controlPlanes) {
    const leaves = await readLeafCertificates(node, deps);
    report(`${node.name}: re-signing ${leaves.length} certificates with a validity that ended yesterday`);
    await runConcurrently(
      deps,
      leaves.map((leaf) => (each) => expireLeaf({ node }, leaf, expiredValidity(startedAt), each)),
    );
  }
  await restartMachines(cluster, deps, report);
}

/** From the start of the lab's CAs until a day before `now`. */
export function expiredValidity(now: Date): Validity {
  return {
    notBefore: new Date(now.getTime() - LEAF_AGE_DAYS * MS_PER_DAY),
    notAfter: new Date(now.getTime() - MS_PER_DAY),
  };
}

/** Re-signs a leaf with another validity and replaces the old one. */
export async function expireLeaf(
  { node }: Pick<EquippedNode, 'node'>,
  leaf: LeafCertificate,
  validity: Validity,
  deps: LabDeps,
): Promise<void> {
  const { certificate, key } = leaf;
  const issuer = issuerFiles(node, leaf);
  const resigned = await resignCertificate({ certificate, key, issuer, validity, workDirectory: node.directory }, deps);
  const file = nodeFile(node, leaf.path);
  const mode = (await deps.host.stat(file))?.mode ?? 0o600;
  await deps.host.writeFile(file, Buffer.from(leaf.fileWith(resigned)), { mode });
}
