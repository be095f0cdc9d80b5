import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { describeError } from '@kube-rescue/errors';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/node';
import type { Answer } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderObjects } from '../render/objects.ts';
import { type Session } from '../wiring.ts';
import { toReference } from './object-name.ts';

export interface ObjectsInput {
  readonly kind: string;
  readonly name: string | undefined;
  readonly namespace: string;
  readonly everywhere: boolean;
  readonly via: ObjectsVia;
  readonly showSecrets: boolean;
  readonly search: EtcdSearch;
}

/** Shows one object as the API does, or all of a kind in a table; exit 3 when some are unreadable. */
export async function answerObjects(input: ObjectsInput, session: Session): Promise<Answer> {
  const { node, reporter, interruption } = session;
  const { readObjectsOfNode } = await import('@kube-rescue/node');
  const { maskObject } = await import('@kube-rescue/cluster-objects');
  const { via, search } = input;
  const what = await toObjects(input);
  const reading = await readObjectsOfNode(node, { via, search, what }, interruption.signal);
  if (!reading.isCurrent) reporter.warn('etcd has no quorum: read from one member, possibly stale');
  for (const failure of reading.failures) reporter.warn(`omitted: ${describeError(failure)}`);
  const objects = input.showSecrets ? reading.objects : reading.objects.map(maskObject);
  const { stringify } = await import('yaml');
  const [first] = objects;
  const yaml = objects
    .map((object) => toYaml(object, stringify))
    .join('---\n')
    .trimEnd();
  return {
    result: input.name === undefined ? { objects } : { object: first },
    exitCode: reading.failures.length === 0 ? EXIT.done : EXIT.problems,
    yaml,
    text: (terminal) => (input.name === undefined ? renderObjects(objects, input.kind, terminal) : yaml),
  };
}

async function toObjects({ kind, name, namespace, everywhere }: ObjectsInput) {
  if (name !== undefined) return { object: await toReference(kind, name, namespace) };
  const { findKind } = await import('@kube-rescue/cluster-objects');
  const found = findKind(kind);
  return { kind: found, namespace: everywhere || !found.namespaced ? undefined : namespace };
}

function toYaml(object: KubernetesObject, stringify: typeof import('yaml').stringify): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
}
