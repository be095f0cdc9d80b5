import { API_SERVER_DIRECTORY, INLINE_INDENT } from '../../addons/api-server-files.ts';
import { resignCertificate } from '../../cluster/certificate-signing.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { runCommand } from '../../machine/command.ts';
import { type LabDeps, secondsSince } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { labIdOfCgroup } from '../../machine/lab-processes.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { stopService } from '../../machine/services.ts';
import { runConcurrently } from '../../machine/concurrency.ts';
import { expiredValidity, expireLeaf } from '../kubeadm-expired/expire-certificates.ts';
import { issuerFiles, readLeafCertificates } from '../kubeadm-expired/leaf-certificates.ts';
import { restartMachines } from '../restart-machines.ts';
import type { KubeadmCaName } from './ca-file.ts';
import { replacePublishedCa } from './published-ca.ts';

/**
 * The leaf certificates that end with the CA. kube-controller-manager, which signs for the kubelet, limits lifetimes to the
 * CA's; kubeadm does not, and renewed its certificates a few months ago.
 */
const EXPIRES_WITH: Readonly<Record<KubeadmCaName, (path: string) => boolean>> = {
  ca: (path) => path.startsWith('/var/lib/kubelet/') || /^\/etc\/kubernetes\/(?:super-)?admin\.conf$/.test(path),
  'etcd/ca': () => false,
  'front-proxy-ca': () => false,
};
/** Those of kubeadm; super-admin.conf exists since 1.29. */
const KUBECONFIGS = [
  'admin.conf',
  'super-admin.conf',
  'controller-manager.conf',
  'scheduler.conf',
  'kubelet.conf',
] as const;

/**
 * Ages a cluster by ten years: one of its CAs expired yesterday, wherever its certificate is stored, and the machine
 * restarts. The key of the CA stays. Uses only openssl, kubectl, kill, ctr and the service command.
 */
export async function expireCa(cluster: Cluster, ca: KubeadmCaName, deps: LabDeps): Promise<void> {
  const { node } = cluster;
  const startedAt = deps.clock.now();
  const report = (message: string): void => {
    deps.onProgress?.({ phase: 'break', message: `${message} (${secondsSince(deps.clock, startedAt)} s)` });
  };
  const files = issuerFiles(node, { issuer: ca });
  const certificate = await readNodeText(files.certificate, deps);
  const key = await readNodeText(files.key, deps);
  const validity = expiredValidity(startedAt);
  report(`re-signing ${ca}.crt with a validity that ended yesterday`);
  const expired = await resignCertificate(
    { certificate, key, issuer: 'self', validity, workDirectory: node.directory },
    deps,
  );
  if (ca === 'ca') {
    report('replacing it where kube-controller-manager published it');
    await stopService(node, 'kubelet', deps);
    await killControllerManager(cluster, deps);
    await replacePublishedCa(cluster, { old: certificate, replacement: expired }, deps);
    await replaceInKubeconfigs(cluster, certificate, expired, deps);
    await replaceInline(cluster, certificate, expired, deps);
  }
  const leaves = (await readLeafCertificates(node, deps)).filter(({ path }) => EXPIRES_WITH[ca](path));
  await runConcurrently(
    deps,
    leaves.map((leaf) => (each) => expireLeaf(cluster, leaf, validity, each)),
  );
  await deps.host.writeFile(files.certificate, Buffer.from(expired), { mode: 0o644 });
  await restartMachines(cluster, deps, report);
}

/** A running kube-controller-manager would revert the replacement at once. */
export async function killControllerManager({ id }: Pick<Cluster, 'id'>, deps: LabDeps): Promise<void> {
  const running = (await deps.host.processes()).filter(
    ({ argv, cgroup }) => argv[0] === 'kube-controller-manager' && labIdOfCgroup(cgroup) === id,
  );
  for (const { pid } of running) await runCommand(deps, ['kill', '-KILL', String(pid)]);
}

/** Replaces a CA certificate in the kubeconfigs of a node. */
export async function replaceInKubeconfigs(
  { node }: Pick<Cluster, 'node'>,
  certificate: string,
  replacement: string,
  deps: LabDeps,
): Promise<void> {
  const data = (pem: string): string => Buffer.from(pem).toString('base64');
  for (const name of KUBECONFIGS) {
    const file = nodeFile(node, `/etc/kubernetes/${name}`);
    if ((await deps.host.stat(file)) === undefined) continue;
    const text = (await readNodeText(file, deps)).replaceAll(data(certificate), data(replacement));
    await deps.host.writeFile(file, Buffer.from(text), { mode: 0o600 });
  }
}

/** In the further files of an API server with addons: kubeconfigs of webhooks, and inline PEM. */
async function replaceInline(
  { node }: Cluster,
  certificate: string,
  replacement: string,
  deps: LabDeps,
): Promise<void> {
  const forms = [
    (pem: string): string => Buffer.from(pem).toString('base64'),
    (pem: string): string => pem.trimEnd().replaceAll(/^/gm, INLINE_INDENT),
  ];
  for (const name of (await deps.host.list(nodeFile(node, API_SERVER_DIRECTORY))) ?? []) {
    const file = nodeFile(node, `${API_SERVER_DIRECTORY}/${name}`);
    const text = await readNodeText(file, deps);
    const replaced = forms.reduce((all, form) => all.replaceAll(form(certificate), form(replacement)), text);
    if (replaced !== text) await deps.host.writeFile(file, Buffer.from(replaced), { mode: 0o600 });
  }
}
