import { fieldsAt, ObjectError, type ResourceKind } from '@kube-rescue/cluster-objects';
import { parseYamlDocuments, readWithoutAliases } from '@kube-rescue/node-config';

/** A key by the name that its values carry. */
export interface EncryptionKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

/** One way to encrypt, as an EncryptionConfiguration names it. */
export type EncryptionProvider =
  | { readonly kind: 'aescbc' | 'aesgcm' | 'secretbox'; readonly keys: readonly EncryptionKey[] }
  | { readonly kind: 'kms' }
  | { readonly kind: 'identity' };

/** Which resources are encrypted, and how: the first provider writes, all of them read. */
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
 * Reads the file that kube-apiserver's `--encryption-provider-config` names.
 * @param text YAML or JSON
 * @param subject the file's path, for messages
 * @throws ObjectError `OBJECT_ENCRYPTION_INVALID`, without any part of the text
 */
export function parseEncryptionConfiguration(text: string, subject: string): EncryptionConfiguration {
  const invalid = (problem: string): ObjectError =>
    new ObjectError({
      code: 'OBJECT_ENCRYPTION_INVALID',
      message: `the encryption configuration cannot be used: ${problem}`,
      subject,
      hint: "give the file that the API server's --encryption-provider-config names, as it is",
    });
  const [document] = parseYamlDocuments(text, { version: '1.1' });
  if (document === undefined || document.errors.length > 0) throw invalid('it is not YAML');
  const data = readWithoutAliases(document);
  if (data === undefined) throw invalid('it has YAML aliases');
  const root = fieldsAt(data);
  if (!KINDS.includes(String(root.kind)) || !API_VERSIONS.includes(String(root.apiVersion))) {
    throw invalid('it is no EncryptionConfiguration of version v1');
  }
  const rules = listOf(root.resources).map((rule) => {
    const { resources, providers } = fieldsAt(rule);
    const read = listOf(providers).map((provider) => readProvider(fieldsAt(provider), invalid));
    if (read.length === 0) throw invalid('resources without a provider');
    return { resources: listOf(resources).map(String), providers: read };
  });
  if (rules.length === 0) throw invalid('it names no resources');
  return { rules };
}

/** The providers for a kind, the writing one first; `undefined` when it is not encrypted at all. */
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
  if (kind === undefined || others.length > 0) throw invalid('an entry that does not name one provider');
  if (kind === 'identity' || kind === 'kms') return { kind };
  if (kind !== 'aescbc' && kind !== 'aesgcm' && kind !== 'secretbox') throw invalid('a provider that is not known');
  const keys = listOf(fieldsAt(fields, kind).keys).map((key) => {
    const { name, secret } = fieldsAt(key);
    const bytes = typeof secret === 'string' ? Buffer.from(secret, 'base64') : Buffer.alloc(0);
    const lengths: readonly number[] = SECRET_BYTES[kind];
    if (typeof name !== 'string' || name === '') throw invalid(`a key of ${kind} has no name`);
    if (!lengths.includes(bytes.length)) throw invalid(`the key ${name} of ${kind} has not the right length`);
    return { name, secret: new Uint8Array(bytes) };
  });
  if (keys.length === 0) throw invalid(`${kind} has no keys`);
  return { kind, keys };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
