import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { KINDS_WITH_CERTIFICATES } from '../../proofs/object-snapshot.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { waitFor } from '../../machine/waiting.ts';
import { unchangedClientFiles } from './load.ts';

/** The kubelet refreshes mounted volumes about once a minute. */
const GONE_DEADLINE_MS = 180_000;
const DIRECTORIES = ['/etc/kubernetes', '/var/lib/kubelet'];

/** Proves that no file on the node and no object holds the old CA. Backups of runs are stored elsewhere. */
export function proveOldCaGone(cluster: Cluster, old: string, deps: LabDeps): Promise<Proof> {
  return prove('no file and no object holds the old CA', async () => {
    const body = bodyOf(old);
    const detail = await waitFor(deps, {
      subject: 'the old CA',
      deadlineMs: GONE_DEADLINE_MS,
      intervalMs: 2_000,
      check: async () => {
        const files = await listFiles(cluster, deps);
        const holding: string[] = [];
        for (const file of files) {
          const text = (await execOnNode(cluster, ['cat', file], deps)).stdout;
          if (mentions(text, body)) holding.push(file);
        }
        const { stdout } = await runOnNode(
          cluster,
          ['kubectl', 'get', KINDS_WITH_CERTIFICATES, '--all-namespaces', '--output', 'json'],
          deps,
        );
        const { items } = JSON.parse(stdout) as { items: readonly KubernetesDocument[] };
        const objects = items.filter((object) => textsIn(object).some((text) => mentions(text, body)));
        const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
        return holding.length + names.length === 0
          ? { value: `searched ${files.length} files and ${items.length} objects` }
          : { waitingFor: `the old CA is in ${[...holding, ...names].join(', ')}` };
      },
    });
    return { ok: true, detail };
  });
}

interface KubernetesDocument {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Proves that a client certificate of the old CA, which is valid for months, is rejected. */
export function proveOldClientRejected(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('a client certificate of the old CA is rejected', async () => {
    const { certificate, key } = unchangedClientFiles(cluster);
    const url = `https://${cluster.node.address}:6443/api/v1/namespaces/default`;
    const argv = [
      'curl',
      '--silent',
      '--max-time',
      '5',
      '--output',
      '/dev/null',
      '--write-out',
      '%{http_code}',
    ] as const;
    const { stdout } = await execOnNode(
      cluster,
      [...argv, '--cacert', '/etc/kubernetes/pki/ca.crt', '--cert', certificate, '--key', key, url],
      deps,
    );
    return { ok: stdout === '401', detail: `the API server answers ${stdout}` };
  });
}

async function listFiles(cluster: Cluster, deps: LabDeps): Promise<readonly string[]> {
  const argv = ['find', ...DIRECTORIES, '-xdev', '-type', 'f', '-size', '-256k'] as const;
  // Volumes of pods are mounts, which may disappear.
  const mounted = ['find', '/var/lib/kubelet/pods', '-path', '*kubernetes.io~*', '-name', 'ca.crt'] as const;
  const lists = await Promise.all(
    [argv, mounted].map((each) => execOnNode(cluster, each as readonly [string, ...string[]], deps)),
  );
  return [...new Set(lists.flatMap(({ stdout }) => stdout.split('\n')).filter((line) => line !== ''))];
}

/** The base64 of a certificate without its line breaks. */
function bodyOf(pem: string): string {
  return pem.replaceAll(/-----[^-]+-----|\s/g, '');
}

/** Whether a text holds a certificate as PEM, or as base64 of PEM, as kubeconfigs and Secrets do. */
export function mentions(text: string, body: string): boolean {
  if (text.replaceAll(/\s/g, '').includes(body)) return true;
  return [...text.matchAll(/[A-Za-z0-9+/]{200,}={0,2}/g)].some(([encoded]) =>
    Buffer.from(encoded, 'base64').toString('latin1').replaceAll(/\s/g, '').includes(body),
  );
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
