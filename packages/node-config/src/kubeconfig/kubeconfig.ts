import { lineOfYamlError, parseYamlDocuments } from '../yaml-documents.ts';
import { type HostPath, joinPath, parentPath } from '@kube-rescue/host';
import { NodeConfigError } from '../errors.ts';
import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';

/** The scalars of a kubeconfig user that carry key material in base64. */
export type CredentialField = 'client-certificate-data' | 'client-key-data';

/** A credential of a kubeconfig: embedded, or in a file. */
export type KubeconfigCredential =
  | { readonly in: 'kubeconfig'; readonly text: string }
  | { readonly in: 'file'; readonly path: HostPath };

/** The current context of a kubeconfig (client-go `tools/clientcmd/api/v1`). */
export interface Kubeconfig {
  readonly path: HostPath;
  /** The `server:` URL of the current context's cluster. */
  readonly server: string;
  /** The required name in the server certificate; `undefined` when it is not verified. */
  readonly serverName: string | undefined;
  /** `undefined` when the user has another credential, such as a token or a plugin. */
  readonly certificate: KubeconfigCredential | undefined;
  readonly key: KubeconfigCredential | undefined;
  /** The bundle that verifies the API server. */
  readonly trust: KubeconfigCredential | undefined;
}

interface CurrentContext {
  readonly cluster: YAMLMap;
  readonly user: YAMLMap;
}

function malformed(path: HostPath, reason: string, cause?: unknown): NodeConfigError {
  return new NodeConfigError({
    code: 'PKI_KUBECONFIG_INVALID',
    message: `cannot read the kubeconfig: ${reason}`,
    subject: path,
    hint: 'restore the kubeconfig from a backup, or recreate it with `kubeadm init phase kubeconfig`',
    cause,
  });
}

function textOf(map: YAMLMap, key: string, path: HostPath): string | undefined {
  const value: unknown = map.get(key);
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw malformed(path, `${key} is not a string`);
  return value;
}

function namedEntry(root: YAMLMap, list: 'contexts' | 'clusters' | 'users', name: string, path: HostPath): YAMLMap {
  const entries = root.get(list);
  const field = list.slice(0, -1);
  for (const entry of isSeq(entries) ? entries.items : []) {
    if (!isMap(entry) || entry.get('name') !== name) continue;
    const content = entry.get(field);
    if (isMap(content)) return content;
  }
  throw malformed(path, `${list} has no entry "${name}"`);
}

function readRoot(source: string, path: HostPath): YAMLMap {
  // Kubernetes reads YAML 1.1 (sigs.k8s.io/yaml). The parser's own messages quote the source, keys included.
  const [document] = parseYamlDocuments(source, { version: '1.1' });
  const [error] = document?.errors ?? [];
  if (error !== undefined) {
    throw malformed(path, `line ${lineOfYamlError(source, error)} is not valid YAML (${error.code})`);
  }
  const root = document?.contents;
  if (!isMap(root)) throw malformed(path, 'the file is not a mapping');
  return root;
}

function readCurrentContext(source: string, path: HostPath): CurrentContext {
  const root = readRoot(source, path);
  const current = textOf(root, 'current-context', path);
  if (current === undefined) throw malformed(path, 'current-context is missing');
  const context = namedEntry(root, 'contexts', current, path);
  return {
    cluster: namedEntry(root, 'clusters', textOf(context, 'cluster', path) ?? '', path),
    user: namedEntry(root, 'users', textOf(context, 'user', path) ?? '', path),
  };
}

function readCredential(map: YAMLMap, name: string, path: HostPath): KubeconfigCredential | undefined {
  const node: unknown = map.get(`${name}-data`, true);
  const data = isAlias(node) ? undefined : textOf(map, `${name}-data`, path)?.replace(/\s/g, '');
  if (isAlias(node)) throw malformed(path, `${name}-data is a YAML alias`);
  if (data !== undefined) {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data) || data.length % 4 !== 0) {
      throw malformed(path, `${name}-data is not base64`);
    }
    return { in: 'kubeconfig', text: Buffer.from(data, 'base64').toString('latin1') };
  }
  const file = textOf(map, name, path);
  return file === undefined ? undefined : { in: 'file', path: joinPath(parentPath(path), file) };
}

/**
 * Reads the current context of a kubeconfig. Data wins over a file path, and relative paths start at the kubeconfig's
 * directory, as in client-go.
 *
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`; the message never quotes the file
 */
export function parseKubeconfig(source: string, path: HostPath): Kubeconfig {
  const { cluster, user } = readCurrentContext(source, path);
  const server = textOf(cluster, 'server', path) ?? '';
  const isJudged = cluster.get('insecure-skip-tls-verify') !== true;
  return {
    path,
    server,
    serverName: isJudged ? (textOf(cluster, 'tls-server-name', path) ?? hostOfUrl(server)) : undefined,
    certificate: readCredential(user, 'client-certificate', path),
    key: readCredential(user, 'client-key', path),
    trust: readCredential(cluster, 'certificate-authority', path),
  };
}

function spliceScalar(source: string, node: Node, value: string): string {
  const [start, end] = node.range ?? [0, 0];
  const quote =
    isScalar(node) && node.type === 'QUOTE_DOUBLE' ? '"' : isScalar(node) && node.type === 'QUOTE_SINGLE' ? "'" : '';
  // A block scalar ends with its line break; a plain one does not.
  const lineBreak = source.slice(start, end).endsWith('\n') ? '\n' : '';
  return `${source.slice(0, start)}${quote}${value}${quote}${lineBreak}${source.slice(end)}`;
}

/**
 * Replaces credentials of the current context's user; every other byte of the kubeconfig stays.
 *
 * @param credentials PEM texts; only existing fields of the kubeconfig can be replaced
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`
 */
export function replaceKubeconfigCredentials(
  source: string,
  path: HostPath,
  credentials: Partial<Readonly<Record<CredentialField, string>>>,
): string {
  let result = source;
  for (const field of ['client-certificate-data', 'client-key-data'] as const) {
    const pem = credentials[field];
    if (pem === undefined) continue;
    const node: unknown = readCurrentContext(result, path).user.get(field, true);
    if (!isScalar(node)) throw malformed(path, `the user has no ${field}`);
    result = spliceScalar(result, node, Buffer.from(pem, 'latin1').toString('base64'));
  }
  const reread = parseKubeconfig(result, path);
  const expected = [credentials['client-certificate-data'], credentials['client-key-data']];
  const written = [reread.certificate, reread.key].map((part) => (part?.in === 'kubeconfig' ? part.text : undefined));
  if (expected.some((pem, at) => pem !== undefined && pem !== written[at])) {
    throw malformed(path, 'the old credentials cannot be replaced');
  }
  return result;
}

function clustersOf(root: YAMLMap): readonly YAMLMap[] {
  const entries = root.get('clusters');
  const contents = (isSeq(entries) ? entries.items : []).map((entry) =>
    isMap(entry) ? entry.get('cluster') : undefined,
  );
  return contents.filter((content) => isMap(content));
}

/**
 * The CA bundles of every cluster of a kubeconfig.
 *
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`; the message never quotes the file
 */
export function readKubeconfigTrust(source: string, path: HostPath): readonly KubeconfigCredential[] {
  const clusters = clustersOf(readRoot(source, path));
  return clusters
    .map((cluster) => readCredential(cluster, 'certificate-authority', path))
    .filter((trust) => trust !== undefined);
}

/**
 * Replaces embedded CA bundles, cluster by cluster; every other byte of the kubeconfig stays.
 *
 * @param replace the new PEM bundle for an old one; the same text leaves it unchanged
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`
 */
export function replaceKubeconfigTrust(source: string, path: HostPath, replace: (pem: string) => string): string {
  let result = source;
  for (const index of clustersOf(readRoot(source, path)).keys()) {
    const cluster = clustersOf(readRoot(result, path))[index];
    const old = cluster && readCredential(cluster, 'certificate-authority', path);
    const node: unknown = cluster?.get('certificate-authority-data', true);
    if (old?.in !== 'kubeconfig' || !isScalar(node)) continue;
    const pem = replace(old.text);
    if (pem !== old.text) result = spliceScalar(result, node, Buffer.from(pem, 'latin1').toString('base64'));
  }
  return result;
}

/** Decodes a kubeconfig. Keeps a byte order mark, so that an edit preserves it. */
export function decodeKubeconfig(bytes: Uint8Array, path: HostPath): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new NodeConfigError({
      code: 'PKI_KUBECONFIG_INVALID',
      message: 'cannot read the kubeconfig: the file is not UTF-8 text',
      subject: path,
      hint: 'restore the kubeconfig from a backup',
      cause,
    });
  }
}

/** The host of an `http:` or `https:` URL without brackets; `undefined` for anything else. */
export function hostOfUrl(url: string): string | undefined {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
