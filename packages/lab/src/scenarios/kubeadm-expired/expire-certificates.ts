import { resignCertificate, type Validity } from '../../cluster/certificate-signing.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { type LabDeps, secondsSince } from '../../cluster/deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { runTogether } from '../../machine/concurrency.ts';
import { restartMachine } from '../restart-machine.ts';
import { issuerFiles, type LeafCertificate, readLeafCertificates } from './leaf-certificates.ts';

const MS_PER_DAY = 24 * 60 * 60 * 1000;
/** The lab's CAs are as old: kubeadm dates its leaves back to the CA, and gives them a year. */
const LEAF_AGE_DAYS = 366;

/**
 * Does to a cluster what a year without an upgrade does: every leaf certificate has expired yesterday, and then the
 * machine restarts, with its containers and its kubelet.
 *
 * The keys, subjects, SANs and usages stay, and so do the CAs. Works with openssl, ctr and the service command only.
 */
export async function expireCertificates(cluster: Cluster, deps: LabDeps): Promise<void> {
  const { node } = cluster;
  const startedAt = deps.clock.now();
  const tell = (message: string): void => {
    deps.onProgress?.({ phase: 'break', message: `${message} (${secondsSince(deps.clock, startedAt)} s)` });
  };
  const leaves = await readLeafCertificates(node, deps);
  tell(`signing ${leaves.length} certificates again with a validity that ended yesterday`);
  await runTogether(
    deps,
    leaves.map((leaf) => (each) => expireLeaf(cluster, leaf, expiredValidity(startedAt), each)),
  );
  await restartMachine(cluster, deps, tell);
}

/** From when the lab's CAs begin until a day before `now`. */
export function expiredValidity(now: Date): Validity {
  return {
    notBefore: new Date(now.getTime() - LEAF_AGE_DAYS * MS_PER_DAY),
    notAfter: new Date(now.getTime() - MS_PER_DAY),
  };
}

/** Signs a leaf again with another validity, and puts it where the old one is. */
export async function expireLeaf(
  { node }: Cluster,
  leaf: LeafCertificate,
  validity: Validity,
  deps: LabDeps,
): Promise<void> {
  const { certificate, key } = leaf;
  const issuer = issuerFiles(node, leaf);
  const resigned = await resignCertificate({ certificate, key, issuer, validity, workFolder: node.folder }, deps);
  const file = nodeFile(node, leaf.path);
  const mode = (await deps.host.stat(file))?.mode ?? 0o600;
  await deps.host.writeFile(file, Buffer.from(leaf.fileWith(resigned)), { mode });
}
