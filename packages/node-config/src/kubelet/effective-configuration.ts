import { isRecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import type { NodeConfigError } from '../errors.ts';
import { type ConfigurationFile, readDropIn, readMainConfiguration } from './configuration-file.ts';
import { isObject, type Json, type JsonObject } from './configuration-schema.ts';
import { listDropIns } from './drop-in-files.ts';

/** The files that a kubelet reads its configuration from, merged. */
export interface EffectiveConfiguration {
  readonly configFile: HostPath | undefined;
  /** The file of `--config` was read. */
  readonly hasMain: boolean;
  readonly dropIns: readonly HostPath[];
  readonly object: JsonObject;
  readonly evidence: readonly string[];
  /** Why the kubelet does not start with them. */
  readonly problems: readonly NodeConfigError[];
}

type ConfigurationHost = Pick<Host, 'readFile' | 'stat' | 'list'>;

/** Fields with paths, relative to the file of `--config` in that file (`pkg/kubelet/apis/config/helpers.go`). */
const PATHS: readonly string[] = ['staticPodPath', 'tlsCertFile', 'tlsPrivateKeyFile'];

/**
 * Reads the configuration files of a kubelet: the file of `--config`, and over it the drop-ins of `--config-dir`, merged as JSON merge
 * patches (RFC 7386). A file that the kubelet refuses is a problem, and the others are read.
 *
 * Source: `cmd/kubelet/app/server.go` NewKubeletCommand. A relative path in a flag or a drop-in is taken from `/`, where systemd starts
 * services.
 * @throws HostError when a file exists but cannot be read
 */
export async function readEffectiveConfiguration(
  flags: ReadonlyMap<string, string>,
  host: ConfigurationHost,
): Promise<EffectiveConfiguration> {
  const evidence: string[] = [];
  const problems: NodeConfigError[] = [];
  const collect = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!isRecoveryError(error, 'KUBELET_CONFIGURATION_INVALID')) throw error;
      problems.push(error as NodeConfigError);
      evidence.push(`${error.subject ?? ''}: ${error.message}`);
      return undefined;
    }
  };
  const note = (path: HostPath, { notes }: ConfigurationFile, what: string): void => {
    evidence.push(`read the ${what} in ${path}`, ...notes.map((line) => `${path} has ${line}`));
  };
  const configFile = pathIn(flags, 'config');
  const known = problems.length;
  const main = configFile === undefined ? undefined : await collect(() => readMainConfiguration(configFile, host));
  if (configFile !== undefined && main !== undefined) note(configFile, main, 'configuration');
  else if (configFile !== undefined && problems.length === known) evidence.push(`${configFile} does not exist`);
  const directory = flags.get('config-dir') ?? '';
  const found = directory === '' ? undefined : await collect(() => listDropIns(directory, host));
  evidence.push(...(found?.notes ?? []));
  let object = main === undefined || configFile === undefined ? {} : withAbsolutePaths(main.object, configFile);
  for (const path of found?.files ?? []) {
    const dropIn = await collect(() => readDropIn(path, host));
    if (dropIn === undefined) continue;
    note(path, dropIn, 'drop-in');
    object = mergePatch(object, dropIn.object);
  }
  return { configFile, hasMain: main !== undefined, dropIns: found?.files ?? [], object, evidence, problems };
}

/** The path of a flag. */
export function pathIn(flags: ReadonlyMap<string, string>, flag: string): HostPath | undefined {
  const value = flags.get(flag) ?? '';
  return value === '' ? undefined : joinPath(hostPath('/'), value);
}

/** A field as Go's decoder reads it from the merged configuration: in any case of its name, the last of several. */
export function fieldAt(object: JsonObject, ...names: readonly string[]): Json | undefined {
  return names.reduce<Json | undefined>((value, name) => {
    if (!isObject(value)) return undefined;
    const key = Object.keys(value)
      .filter((each) => each.toLowerCase() === name.toLowerCase())
      .toSorted()
      .at(-1);
    return key === undefined ? undefined : value[key];
  }, object);
}

function withAbsolutePaths(object: JsonObject, file: HostPath): JsonObject {
  const absolute = (value: Json | undefined): Json =>
    typeof value === 'string' && value !== '' ? joinPath(file, '..', value) : (value ?? null);
  const paths = PATHS.filter((name) => object[name] !== undefined).map((name) => [name, absolute(object[name])]);
  const own = { ...object, ...(Object.fromEntries(paths) as JsonObject) };
  const clientCa =
    isObject(own['authentication']) && isObject(own['authentication']['x509']) ? own['authentication']['x509'] : {};
  if (clientCa['clientCAFile'] === undefined) return own;
  return mergePatch(own, { authentication: { x509: { clientCAFile: absolute(clientCa['clientCAFile']) } } });
}

function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    const before = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, isObject(value) ? mergePatch(isObject(before) ? before : {}, value) : value);
  }
  return Object.fromEntries(merged);
}
