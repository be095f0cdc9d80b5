import { createHash } from 'node:crypto';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type EquippedNode, runOnNode } from '../cluster/node-command.ts';

/** Kinds of objects that hold certificates. */
export const KINDS_WITH_CERTIFICATES =
  'secrets,configmaps,mutatingwebhookconfigurations,validatingwebhookconfigurations,apiservices,customresourcedefinitions';
/** Renewed every few seconds by the leader. */
const LEADER = 'control-plane.alpha.kubernetes.io/leader';

interface KubernetesDocument {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** The SHA-256 of the content of every object that can hold certificates, by kind and name. */
export async function snapshotObjects(at: EquippedNode, deps: LabDeps): Promise<Readonly<Record<string, string>>> {
  const argv = ['kubectl', 'get', KINDS_WITH_CERTIFICATES, '--all-namespaces', '--output', 'json'] as const;
  const { items } = JSON.parse((await runOnNode(at, argv, deps)).stdout) as { items: readonly KubernetesDocument[] };
  const own = items.filter(({ metadata }) => metadata.annotations?.[LEADER] === undefined);
  return Object.fromEntries(own.map((object) => [nameOf(object), digestOf(object)]));
}

function nameOf({ kind, metadata }: KubernetesDocument): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Keys are sorted: a rewritten object may have them in another order. */
function digestOf(object: KubernetesDocument): string {
  const { metadata: _metadata, ...rest } = object;
  const { status: _status, ...content } = rest as Readonly<Record<string, unknown>>;
  const sorted = JSON.stringify(content, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(sorted).digest('hex');
}
