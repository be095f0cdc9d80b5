import { isDeepStrictEqual } from 'node:util';
import { type Fields, fieldsAt, isRecord, listAt, textAt } from '@kube-rescue/cluster-objects';

/** A CNI network configuration: one plugin (`.conf`) or a chain of plugins (`.conflist`). */
export interface NetworkConfiguration {
  readonly isList: boolean;
  /** Every plugin binary that it needs, each once. */
  readonly binaries: readonly string[];
  /** The types of its plugins, in order; the first one creates the network. */
  readonly types: readonly string[];
  readonly object: Fields;
}

/** The default delegate of the flannel plugin: cni-plugin `flannel_linux.go` doCmdAdd. */
const FLANNEL_DELEGATE = 'bridge';
const FLANNEL_IPAM = 'host-local';

/** Parses a configuration, or returns why the container runtime would reject it. */
export function parseNetworkConfiguration(text: string): NetworkConfiguration | { readonly problem: string } {
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch {
    return { problem: text.trim() === '' ? 'the file is empty' : 'the file is not JSON' };
  }
  if (!isRecord(object)) return { problem: 'the file is not a JSON object' };
  const isList = Object.hasOwn(object, 'plugins');
  const plugins = isList ? listAt(object, 'plugins') : [object];
  const types = plugins.map((plugin) => textAt(plugin, 'type') ?? '');
  if (types.length === 0) return { problem: 'the file has no plugin' };
  if (types.includes('')) return { problem: 'a plugin has no type' };
  if (isList && textAt(object, 'name') === undefined) return { problem: 'the network has no name' };
  return { isList, types, binaries: [...new Set(plugins.flatMap(binariesOf))], object };
}

/** Whether two configurations are equal, apart from formatting. */
export function isSameConfiguration(one: NetworkConfiguration, other: NetworkConfiguration): boolean {
  return isDeepStrictEqual(one.object, other.object);
}

function binariesOf(plugin: Fields): readonly string[] {
  const type = textAt(plugin, 'type') ?? '';
  const ipam = textAt(fieldsAt(plugin, 'ipam'), 'type');
  if (type === 'flannel') return [type, textAt(fieldsAt(plugin, 'delegate'), 'type') ?? FLANNEL_DELEGATE, FLANNEL_IPAM];
  return [type, ...(ipam === undefined || ipam === '' ? [] : [ipam])];
}
