import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, ResourceKind } from '@kube-rescue/cluster-objects';

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/**
 * The edited object with the counters maintained by an API server: `metadata.generation`, and a DaemonSet's template
 * generation. Counters in `edited` are ignored, as by an API server.
 *
 * Source: the update strategies of kube-apiserver v1.20.
 */
export function withGeneration(
  kind: ResourceKind,
  before: KubernetesObject,
  edited: KubernetesObject,
): KubernetesObject {
  const generation = nextGeneration(kind, before, edited);
  const { generation: _ignored, ...rest } = edited.metadata;
  const metadata = generation === undefined ? rest : { ...rest, generation };
  if (kind.kind !== 'DaemonSet' || isDeepStrictEqual(templateOf(before), templateOf(edited))) {
    return { ...edited, metadata };
  }
  const count = Number(before.metadata.annotations?.[TEMPLATE_GENERATION]);
  if (!Number.isInteger(count)) return { ...edited, ...withTemplateGeneration(edited), metadata };
  const annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(count + 1) };
  return { ...edited, metadata: { ...metadata, annotations } };
}

function nextGeneration(kind: ResourceKind, before: KubernetesObject, after: KubernetesObject): number | undefined {
  const { generation } = before.metadata;
  if (!kind.hasGeneration) return generation;
  return isDeepStrictEqual(countedPart(before), countedPart(after)) ? generation : (generation ?? 0) + 1;
}

/** Everything except metadata and status; for a Deployment also the annotations, because its ReplicaSets get them. */
function countedPart({ status: _status, metadata, ...counted }: KubernetesObject): unknown {
  return counted.kind === 'Deployment' ? [counted, metadata.annotations] : counted;
}

/** In extensions/v1beta1 the template generation is a field. */
function withTemplateGeneration(object: KubernetesObject): { readonly spec?: unknown } {
  const spec = object.spec as { readonly templateGeneration?: number } | undefined;
  if (spec?.templateGeneration === undefined) return {};
  return { spec: { ...spec, templateGeneration: spec.templateGeneration + 1 } };
}

function templateOf({ spec }: KubernetesObject): unknown {
  return (spec as { readonly template?: unknown } | undefined)?.template;
}
