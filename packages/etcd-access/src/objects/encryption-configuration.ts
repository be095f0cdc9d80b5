import { fieldsAt, ObjectError, type ResourceKind } from '@kube-rescue/cluster-objects';
import { parseYamlDocuments, readWithoutAliases } from '@kube-rescue/node-config';

/** A named key; stored values contain the name. */
export interface EncryptionKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

/** A provider of an EncryptionConfiguration. */
export type EncryptionProvider =
  | { readonly kind: 'aescbc' | 'aesgcm' | 'secretbox'; readonly keys: readonly EncryptionKey[] }
  | { readonly kind: 'kms' }
  | { readonly kind: 'identity' };

/** Encrypted resources and their providers: the first provider writes, all of them read. */
export interface EncryptionConfiguration {
  readonly rules: readonly {
    readonly resources: readonly string[];
    readonly providers: readonly EncryptionProvider[];
  }[];
}

const SECRET_BYTES = { aescbc: [16, 24, 32], aesgcm: [16, 24, 32], secretbox: [32] } as const;
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
  if (kind === 'identity' || kind === 'kms') return { kind };
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

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
