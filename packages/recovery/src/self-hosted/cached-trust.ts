import { type Certificate, containsCertificates } from '@kube-rescue/x509';
import { inspectCertificates } from '@kube-rescue/cert-rotation';
import { exchangeCa } from '@kube-rescue/cert-rotation/objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { WantedObject } from '@kube-rescue/static-manifests';
import type { NodeDeps, NodeDescription } from '@kube-rescue/node';

/**
 * Replaces the old CAs of the API server in the given objects and in every other cached object of the checkpointer, such as the
 * checkpointer's own CA. For a cluster with unreadable objects.
 *
 * @param root the CA of the API server's new certificate
 */
export async function withTrustedRoot(
  node: NodeDescription,
  own: readonly WantedObject[],
  root: Certificate | undefined,
  { host, clock }: NodeDeps,
): Promise<readonly WantedObject[]> {
  const { cas } = await inspectCertificates({ ...node.inspection, only: ['apiserver'] }, { host });
  const bundle = cas.find(({ id }) => id === 'cluster')?.bundle;
  const present = bundle?.ok === true ? bundle.value : [];
  const old = root === undefined ? [] : present.filter(({ der }) => Buffer.compare(der, root.der) !== 0);
  const objects: WantedObject[] = [];
  for (const cached of node.checkpoints.checkpoints.flatMap((checkpoint) => checkpoint.objects)) {
    if (cached.volume === undefined) continue;
    const { kind, namespace, name } = cached;
    const known = own.find((each) => each.kind === kind && each.namespace === namespace && each.name === name);
    const data = new Map(known?.data);
    for (const { key, path } of cached.keys.filter((each) => !data.has(each.key))) {
      const text = Buffer.from((await host.readFile(path)) ?? []).toString('latin1');
      const next = old.reduce((pem, each) => exchange(pem, each, root, { path, now: clock.now() }), text);
      if (next !== text) data.set(key, Buffer.from(next, 'latin1'));
    }
    objects.push({ kind, namespace, name, data });
  }
  return objects;
}

function exchange(
  pem: string,
  old: Certificate,
  root: Certificate | undefined,
  { path, now }: { readonly path: string; readonly now: Date },
): string {
  if (root === undefined || !containsCertificates(pem)) return pem;
  try {
    return exchangeCa(pem, { old, replacement: now > old.notAfter ? [root] : [root, old] }, path);
  } catch (error) {
    // A file that is not PEM has another purpose.
    if (isRecoveryError(error)) return pem;
    throw error;
  }
}
