import { runOnNode, type EquippedNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';

interface PublishedObject {
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}

const GETS: readonly (readonly string[])[] = [
  ['secrets', '--all-namespaces', '--field-selector', 'type=kubernetes.io/service-account-token'],
  ['configmaps', '--all-namespaces', '--field-selector', 'metadata.name=kube-root-ca.crt'],
  ['configmaps', '--namespace', 'kube-public', '--field-selector', 'metadata.name=cluster-info'],
];

/** Lists the objects in which a cluster publishes its CA certificate. */
export async function listPublished(at: EquippedNode, deps: LabDeps): Promise<readonly PublishedObject[]> {
  const lists = await Promise.all(
    GETS.map(async (get) => {
      const { stdout } = await runOnNode(at, ['kubectl', 'get', ...get, '--output', 'json'], deps);
      return (JSON.parse(stdout) as { readonly items: readonly PublishedObject[] }).items;
    }),
  );
  return lists.flat();
}

/** The PEM under `ca.crt` of an object; `undefined` for cluster-info, which holds it in a kubeconfig. */
export function publishedCa({ kind, data }: PublishedObject): string | undefined {
  const value = data['ca.crt'];
  return value !== undefined && kind === 'Secret' ? Buffer.from(value, 'base64').toString() : value;
}

/** Replaces the published CA certificate in every object. */
export async function replacePublishedCa(
  at: EquippedNode,
  { old, replacement }: { readonly old: string; readonly replacement: string },
  deps: LabDeps,
): Promise<void> {
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
  const items = (await listPublished(at, deps)).map((object) => {
    const data = Object.entries(object.data).map(([key, value]) => {
      const text = object.kind === 'Secret' ? value : value.replaceAll(old, replacement);
      return [key, text.replaceAll(base64(old), base64(replacement))] as const;
    });
    return { ...object, data: Object.fromEntries(data) };
  });
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await runOnNode(at, ['kubectl', 'replace', '--filename', '-'], deps, { input: list });
}
