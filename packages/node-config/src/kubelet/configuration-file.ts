import { isRecoveryError } from '@kube-rescue/errors';
import type { Host, HostPath } from '@kube-rescue/host';
import { NodeConfigError } from '../errors.ts';
import { type GoValue, readGoYaml, YamlFault } from '../kubeconfig/go-yaml.ts';
import { parseYamlDocuments } from '../yaml-documents.ts';
import { FIELD_NAMES, findWrongTypes, isField, type Json, type JsonObject } from './configuration-schema.ts';

/** A configuration of the kubelet that was read. */
export interface ConfigurationFile {
  readonly object: JsonObject;
  /** What the kubelet passes over in it, for evidence. */
  readonly notes: readonly string[];
}

const API_VERSION = 'kubelet.config.k8s.io/v1beta1';
const KIND = 'KubeletConfiguration';

/** The error of a configuration that keeps the kubelet from its start. */
export function refusedByKubelet(path: string, reason: string, cause?: unknown): NodeConfigError {
  return new NodeConfigError({
    code: 'KUBELET_CONFIGURATION_INVALID',
    message: `the kubelet does not start with its configuration: ${reason}`,
    subject: path,
    hint: 'correct the file or restore it from a backup, then `systemctl restart kubelet`',
    cause,
  });
}

/**
 * Reads the file of `--config` as the kubelet does; `undefined` when it does not exist. A field of an unknown name or a repeated one
 * is passed over with a note: the kubelet decodes strictly first, then leniently (`kubeletconfig/util/codec/codec.go`
 * DecodeKubeletConfiguration).
 *
 * @throws NodeConfigError `KUBELET_CONFIGURATION_INVALID`; HostError when the file cannot be read
 */
export async function readMainConfiguration(
  path: HostPath,
  host: Pick<Host, 'readFile'>,
): Promise<ConfigurationFile | undefined> {
  const text = await readText(path, host);
  if (text === undefined) return undefined;
  const object = parseConfiguration(text, path);
  assertTypes(findWrongTypes(object), path);
  const unknown = Object.keys(object).filter((name) => !isField(name));
  const repeated = hasRepeatedKeys(text) ? ['a field that is repeated: the last one counts'] : [];
  const notes = [...unknown.map((name) => `no field that this kubelet is known to have: ${name}`), ...repeated];
  // What Go does not decode is not in the object that drop-ins are merged over.
  const known = Object.entries(object).filter(([name]) => isField(name));
  return { object: Object.fromEntries(known), notes };
}

/**
 * Reads a drop-in of `--config-dir`. Stricter than for `--config` in repeated fields, laxer in names: a field is matched in any case,
 * and an unknown one is passed over in silence (`configfiles.go` LoadIntoJSON, `cmd/kubelet/app/server.go` mergeKubeletConfigurations).
 *
 * @throws NodeConfigError `KUBELET_CONFIGURATION_INVALID`; HostError when the file cannot be read
 */
export async function readDropIn(path: HostPath, host: Pick<Host, 'readFile'>): Promise<ConfigurationFile> {
  const text = await readText(path, host);
  if (text === undefined) throw refusedByKubelet(path, 'the drop-in is a link to a file that does not exist');
  const object = parseConfiguration(text, path);
  if (hasRepeatedKeys(text)) throw refusedByKubelet(path, 'a field is repeated');
  const nameOf = (name: string): string => FIELD_NAMES.get(name.toLowerCase()) ?? name;
  const set = Object.entries(object).filter(([, value]) => value !== null);
  assertTypes(findWrongTypes(Object.fromEntries(set), nameOf), path);
  const unknown = Object.keys(object).filter((name) => !isField(nameOf(name)));
  return { object, notes: unknown.map((name) => `no field that this kubelet is known to have: ${name}`) };
}

async function readText(path: HostPath, host: Pick<Host, 'readFile'>): Promise<string | undefined> {
  try {
    const bytes = await host.readFile(path);
    return bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!isRecoveryError(error, 'HOST_NOT_A_REGULAR_FILE')) throw error;
    throw refusedByKubelet(path, 'it is not a regular file', error);
  }
}

function parseConfiguration(text: string, path: HostPath): JsonObject {
  if (text === '') throw refusedByKubelet(path, 'the file is empty');
  const value = parseText(text, path);
  const { apiVersion, kind } = (value ?? {}) as { readonly apiVersion?: unknown; readonly kind?: unknown };
  if (kind !== KIND || apiVersion !== API_VERSION) {
    const isNamed = typeof kind === 'string' && typeof apiVersion === 'string';
    throw refusedByKubelet(
      path,
      isNamed
        ? `it is not a ${KIND} of ${API_VERSION}`
        : `it lacks \`kind: ${KIND}\` or \`apiVersion: ${API_VERSION}\``,
    );
  }
  return value as JsonObject;
}

function parseText(text: string, path: HostPath): Json {
  try {
    return toJson(readGoYaml(text.replace(/^\u{feff}/u, '')));
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    throw refusedByKubelet(path, error.message, error);
  }
}

function toJson(value: GoValue): Json {
  switch (value.is) {
    case 'null':
      return null;
    case 'boolean':
      return /^(?:y|yes|on|true)$/i.test(value.text);
    case 'number':
      return numberOf(value.text.replaceAll('_', ''));
    case 'list':
      return value.items.map(toJson);
    case 'map':
      return Object.fromEntries([...value.entries].map(([key, each]) => [key, toJson(each)]));
    default:
      return value.text;
  }
}

/** `0644` and `0o644` are octal for go-yaml. */
function numberOf(text: string): number {
  const [, sign = '', octal] = /^([-+]?)0[oO]?([0-7]+)$/.exec(text) ?? [];
  const size = octal === undefined ? Number(text.replace(/^[-+]/, '')) : Number.parseInt(octal, 8);
  return sign === '-' || text.startsWith('-') ? -size : size;
}

function assertTypes(wrong: readonly string[], path: HostPath): void {
  if (wrong.length > 0) throw refusedByKubelet(path, wrong.join('; '));
}

function hasRepeatedKeys(text: string): boolean {
  const [document] = parseYamlDocuments(text, { version: '1.1', schema: 'failsafe', merge: false });
  return document?.errors.some(({ code }) => code === 'DUPLICATE_KEY') ?? false;
}
