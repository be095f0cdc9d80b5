import { isDeepStrictEqual } from 'node:util';
import { type Fields, fieldsAt, isRecord, listAt, textAt } from '@kube-rescue/cluster-objects';

/** A CNI network configuration: one plugin (`.conf`), or several one after the other (`.conflist`). */
export interface NetworkConfiguration {
  readonly isList: boolean;
  /** Every program that a container runtime or a plugin runs for it, each once. */
  readonly binaries: readonly string[];
  /** The types of its plugins, in order; the first makes the network. */
  readonly types: readonly string[];
  readonly object: Fields;
}

/** Which plugin the flannel plugin hands its work to when it is not told: cni-plugin `flannel_linux.go` doCmdAdd. */
const FLANNEL_DELEGATE = 'bridge';
const FLANNEL_IPAM = 'host-local';

/** Reads a configuration, or tells why the container runtime would refuse it. */
export function parseNetworkConfiguration(text: string): NetworkConfiguration | { readonly problem: string } {
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch {
    return { problem: text.trim() === '' ? 'it is empty' : 'it is not JSON' };
  }
  if (!isRecord(object)) return { problem: 'it is no JSON object' };
  const isList = Object.hasOwn(object, 'plugins');
  const plugins = isList ? listAt(object, 'plugins') : [object];
  const types = plugins.map((plugin) => textAt(plugin, 'type') ?? '');
  if (types.length === 0) return { problem: 'it names no plugin' };
  if (types.includes('')) return { problem: 'a plugin in it has no type' };
  if (isList && textAt(object, 'name') === undefined) return { problem: 'it has no name' };
  return { isList, types, binaries: [...new Set(plugins.flatMap(binariesOf))], object };
}

/** Whether two configurations say the same, however they are written. */
export function isSameConfiguration(one: NetworkConfiguration, other: NetworkConfiguration): boolean {
  return isDeepStrictEqual(one.object, other.object);
}

function binariesOf(plugin: Fields): readonly string[] {
  const type = textAt(plugin, 'type') ?? '';
  const ipam = textAt(fieldsAt(plugin, 'ipam'), 'type');
  if (type === 'flannel') return [type, textAt(fieldsAt(plugin, 'delegate'), 'type') ?? FLANNEL_DELEGATE, FLANNEL_IPAM];
  return [type, ...(ipam === undefined || ipam === '' ? [] : [ipam])];
}
