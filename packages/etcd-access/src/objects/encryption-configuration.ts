import { fieldsAt, ObjectError, type ResourceKind } from '@kube-rescue/cluster-objects';
import { hostPath, type HostPath } from '@kube-rescue/host';
import { parseYamlDocuments, readWithoutAliases } from '@kube-rescue/node-config';

/** A named key; stored values contain the name. */
export interface EncryptionKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

/** A provider of an EncryptionConfiguration. */
export type EncryptionProvider =
  | { readonly kind: 'aescbc' | 'aesgcm' | 'secretbox'; readonly keys: readonly EncryptionKey[] }
  | KmsProvider
  | { readonly kind: 'identity' };

/** A KMS plugin, called over a Unix socket. */
export interface KmsProvider {
  readonly kind: 'kms';
  readonly apiVersion: 'v1' | 'v2';
  /** Stored values contain it. */
  readonly name: string;
  /** `unix:///run/kms.sock` */
  readonly endpoint: string;
  /** The path of the endpoint, as the API server sees it; `undefined` for an abstract socket. */
  readonly socket: HostPath | undefined;
  /** For each call. */
  readonly timeoutMs: number;
}

/** Encrypted resources and their providers: the first provider writes, all of them read. */
export interface EncryptionConfiguration {
  readonly rules: readonly {
    readonly resources: readonly string[];
    readonly providers: readonly EncryptionProvider[];
  }[];
}

const SECRET_BYTES = { aescbc: [16, 24, 32], aesgcm: [16, 24, 32], secretbox: [32] } as const;
const KMS_TIMEOUT_MS = 3000;
/** A plugin that takes longer is down. */
const LONGEST_KMS_TIMEOUT_MS = 30_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3 },
  ...{ ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
};
const API_VERSIONS = ['apiserver.config.k8s.io/v1', 'v1'];
const KINDS = ['EncryptionConfiguration', 'EncryptionConfig'];

/**
 * Parses the file of kube-apiserver's `--encryption-provider-config`.
 * @param text YAML or JSON
 * @param subject the file's path, for messages
 * @throws ObjectError `OBJECT_ENCRYPTION_INVALID`, without any part of the text
 */
export function parseEncryptionConfiguration(text: string, subject: string): EncryptionConfiguration {
  const invalid = (problem: string): ObjectError =>
    new ObjectError({
      code: 'OBJECT_ENCRYPTION_INVALID',
      message: `invalid encryption configuration: ${problem}`,
      subject,
      hint: "pass the file of the API server's --encryption-provider-config",
    });
  const [document] = parseYamlDocuments(text, { version: '1.1' });
  if (document === undefined || document.errors.length > 0) throw invalid('not YAML');
  const data = readWithoutAliases(document);
  if (data === undefined) throw invalid('YAML aliases are not supported');
  const root = fieldsAt(data);
  if (!KINDS.includes(String(root.kind)) || !API_VERSIONS.includes(String(root.apiVersion))) {
    throw invalid('not an EncryptionConfiguration of version v1');
  }
  const rules = listOf(root.resources).map((rule) => {
    const { resources, providers } = fieldsAt(rule);
    const read = listOf(providers).map((provider) => readProvider(fieldsAt(provider), invalid));
    if (read.length === 0) throw invalid('resources without a provider');
    return { resources: listOf(resources).map(String), providers: read };
  });
  if (rules.length === 0) throw invalid('no resources');
  return { rules };
}

/** The providers for a kind, the writing one first; `undefined` when the kind is not encrypted. */
export function providersFor(
  { rules }: EncryptionConfiguration,
  { group, resource }: ResourceKind,
): readonly EncryptionProvider[] | undefined {
  const names = new Set([group === '' ? resource : `${resource}.${group}`, `*.${group}`, '*.*']);
  const matching = rules.filter(({ resources }) => resources.some((name) => names.has(name)));
  return matching.length === 0 ? undefined : matching.flatMap(({ providers }) => providers);
}

function readProvider(
  fields: Readonly<Record<string, unknown>>,
  invalid: (problem: string) => ObjectError,
): EncryptionProvider {
  const [kind, ...others] = Object.keys(fields);
  if (kind === undefined || others.length > 0) throw invalid('an entry without exactly one provider');
  if (kind === 'identity') return { kind };
  if (kind === 'kms') return readKmsProvider(fieldsAt(fields, 'kms'), invalid);
  if (kind !== 'aescbc' && kind !== 'aesgcm' && kind !== 'secretbox') throw invalid('an unknown provider');
  const keys = listOf(fieldsAt(fields, kind).keys).map((key) => {
    const { name, secret } = fieldsAt(key);
    const bytes = typeof secret === 'string' ? Buffer.from(secret, 'base64') : Buffer.alloc(0);
    const lengths: readonly number[] = SECRET_BYTES[kind];
    if (typeof name !== 'string' || name === '') throw invalid(`a key of ${kind} has no name`);
    if (!lengths.includes(bytes.length)) throw invalid(`the key ${name} of ${kind} has the wrong length`);
    return { name, secret: new Uint8Array(bytes) };
  });
  if (keys.length === 0) throw invalid(`${kind} has no keys`);
  return { kind, keys };
}

/** Defaults and rules: apiserver `pkg/apis/apiserver/v1/defaults.go`, `validation/validation_encryption.go`; k8s.io/kms `pkg/util/util.go`. */
function readKmsProvider(
  { apiVersion = 'v1', name, endpoint, timeout }: Readonly<Record<string, unknown>>,
  invalid: (problem: string) => ObjectError,
): KmsProvider {
  if (apiVersion !== 'v1' && apiVersion !== 'v2') throw invalid('kms has another apiVersion than v1 and v2');
  if (typeof name !== 'string' || name === '') throw invalid('a kms provider has no name');
  if (apiVersion === 'v2' && name.includes(':')) throw invalid(`the name of the kms provider ${name} contains a colon`);
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (typeof endpoint !== 'string' || url?.protocol !== 'unix:' || !url.pathname.startsWith('/')) {
    throw invalid(`the endpoint of the kms provider ${name} is not unix:///PATH`);
  }
  const timeoutMs = timeout === undefined || timeout === null ? KMS_TIMEOUT_MS : durationOf(timeout);
  if (timeoutMs === undefined) throw invalid(`the timeout of the kms provider ${name} is not a duration like 3s`);
  const socket = url.pathname.startsWith('/@') ? undefined : socketAt(url.pathname);
  return { kind: 'kms', apiVersion, name, endpoint, socket, timeoutMs: Math.min(timeoutMs, LONGEST_KMS_TIMEOUT_MS) };
}

function socketAt(pathname: string): HostPath {
  try {
    return hostPath(decodeURIComponent(pathname));
  } catch {
    return hostPath(pathname);
  }
}

/** Go's `time.ParseDuration`, in milliseconds; `undefined` when it is not longer than zero. */
function durationOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^\+?(?:\d+(?:\.\d*)?(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)([a-zµμ]+)/g)];
  const total = parts.reduce((sum, [, value, unit = '']) => sum + Number(value) * (UNIT_MS[unit] ?? 0), 0);
  return total > 0 ? Math.max(1, Math.round(total)) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
