import { type HostPath, joinPath, parentPath } from '@kube-rescue/host';
import { isDeepStrictEqual } from 'node:util';
import { isAlias, isScalar, type Node } from 'yaml';
import { NodeConfigError } from '../errors.ts';
import { type GoMap, type GoValue, readGoYaml, YamlFault } from './go-yaml.ts';
import { type Context, currentContext, usableContexts } from './kubeconfig-context.ts';
import { assertCluster, assertUser } from './kubeconfig-rules.ts';
import { assertConfig, decodeBase64, fieldIn, isTrue, itemsOf, textIn } from './kubeconfig-shape.ts';

/** The scalars of a kubeconfig user that carry key material in base64. */
export type CredentialField = 'client-certificate-data' | 'client-key-data';

/** A credential of a kubeconfig: embedded, or in a file. */
export type KubeconfigCredential =
  | { readonly in: 'kubeconfig'; readonly text: string }
  | { readonly in: 'file'; readonly path: HostPath };

/** The credentials of a kubeconfig user; `undefined` for one without certificate or key. */
export interface KubeconfigUser {
  readonly certificate: KubeconfigCredential | undefined;
  readonly key: KubeconfigCredential | undefined;
}

/** One context of a kubeconfig (client-go `tools/clientcmd/api/v1`). */
export interface Kubeconfig extends KubeconfigUser {
  readonly path: HostPath;
  /** The `server:` URL of the context's cluster. */
  readonly server: string;
  /** The required name in the server certificate; `undefined` when it is not verified. */
  readonly serverName: string | undefined;
  /** The bundle that verifies the API server. */
  readonly trust: KubeconfigCredential | undefined;
  /** What else the user authenticates with, such as `a token`; `undefined` for an anonymous user, or a certificate alone. */
  readonly otherCredential: string | undefined;
  /** The name of the context's user; empty for an anonymous one. */
  readonly userName: string;
}

/** Which context of a kubeconfig counts. */
export interface ContextChoice {
  /**
   * Whether a context's CA is that of the cluster in question. The current context is taken when it is; else the first that is, with a
   * user of its own; else the current one. Default: the current context, as client-go takes it.
   */
  readonly isOfCluster?: ((trust: KubeconfigCredential) => boolean) | undefined;
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

/** @throws NodeConfigError `PKI_KUBECONFIG_INVALID` for a fault that `read` finds; its reason quotes no credential */
function judged<T>(path: HostPath, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof YamlFault) throw malformed(path, error.message, error);
    throw error;
  }
}

function readRoot(source: string): GoMap {
  if (source.startsWith('\u{feff}\u{feff}')) throw new YamlFault('it begins with two byte order marks');
  return assertConfig(readGoYaml(source.replace(/^\u{feff}/u, '')));
}

function credentialIn(value: GoValue | undefined, name: string, path: HostPath): KubeconfigCredential | undefined {
  const data = textIn(value, `${name}-data`);
  if (data !== '') return { in: 'kubeconfig', text: decodeBase64(data) ?? '' };
  const file = textIn(value, name);
  return file === '' ? undefined : { in: 'file', path: joinPath(parentPath(path), file) };
}

function userIn(user: GoValue | undefined, path: HostPath): KubeconfigUser {
  return { certificate: credentialIn(user, 'client-certificate', path), key: credentialIn(user, 'client-key', path) };
}

function chooseContext(root: GoMap, path: HostPath, { isOfCluster }: ContextChoice): Context {
  const current = currentContext(root);
  if (isOfCluster === undefined) return current;
  const isOurs = ({ cluster }: Context): boolean => {
    const trust = credentialIn(cluster, 'certificate-authority', path);
    return trust !== undefined && isOfCluster(trust);
  };
  const others = usableContexts(root).filter(({ userIndex }) => userIndex !== -1);
  return (isOurs(current) ? undefined : others.find(isOurs)) ?? current;
}

const OTHER_CREDENTIALS = [
  ['exec', 'an exec plugin'],
  ['auth-provider', 'an auth provider'],
  ['token', 'a token'],
  ['tokenFile', 'a token'],
  ['username', 'a password'],
] as const;

/**
 * Reads one context of a kubeconfig as client-go does, and refuses what client-go refuses: wrong types, base64 with blanks, two
 * entries of one name, data and a file for the same credential. Relative paths start at the kubeconfig's directory. Files that
 * it names are not read.
 *
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`; the message never quotes a credential
 */
export function parseKubeconfig(source: string, path: HostPath, choice: ContextChoice = {}): Kubeconfig {
  return judged(path, () => {
    const { cluster, user, userName } = chooseContext(readRoot(source), path, choice);
    assertCluster(cluster);
    assertUser(user);
    const server = textIn(cluster, 'server');
    const named = textIn(cluster, 'tls-server-name');
    const isVerified = !isTrue(cluster, 'insecure-skip-tls-verify');
    return {
      path,
      server,
      serverName: isVerified ? (named === '' ? hostOfUrl(server) : named) : undefined,
      ...userIn(user, path),
      trust: credentialIn(cluster, 'certificate-authority', path),
      otherCredential: OTHER_CREDENTIALS.find(([field]) => fieldIn(user, field) !== undefined)?.[1],
      userName,
    };
  });
}

/** The same text with another value for one scalar; an alias becomes the value itself. */
function spliceScalar(source: string, node: Node, value: string): string {
  const [start, end] = node.range ?? [0, 0];
  const quote =
    isScalar(node) && node.type === 'QUOTE_DOUBLE' ? '"' : isScalar(node) && node.type === 'QUOTE_SINGLE' ? "'" : '';
  // A block scalar ends with its line break; a plain one does not.
  const lineBreak = source.slice(start, end).endsWith('\n') ? '\n' : '';
  return `${source.slice(0, start)}${quote}${value}${quote}${lineBreak}${source.slice(end)}`;
}

type Plain = string | readonly Plain[] | ReadonlyMap<string, Plain>;

/** A value as data, with another text for one field. */
function plainOf(
  value: GoValue,
  except?: { readonly of: GoValue; readonly field: string; readonly text: string },
): Plain {
  if (value.is === 'list') return value.items.map((item) => plainOf(item, except));
  if (value.is !== 'map') return `${value.is} ${value.text}`;
  const entries = [...value.entries].map(([key, each]): [string, Plain] => [
    key,
    except?.of === value && except.field === key ? `string ${except.text}` : plainOf(each, except),
  ]);
  return new Map(entries);
}

/** @throws YamlFault when anything but this one value would change, as with an anchor that others use */
function replaceField(source: string, owner: GoValue, root: GoMap, field: string, pem: string): string {
  const node = fieldIn(owner, field)?.node;
  if (!isScalar(node) && !isAlias(node)) throw new YamlFault(`it has no ${field} that can be replaced`);
  const text = Buffer.from(pem, 'latin1').toString('base64');
  const mark = source.startsWith('\u{feff}') ? '\u{feff}' : '';
  const result = mark + spliceScalar(source.slice(mark.length), node, text);
  const reread = plainOf(readRoot(result));
  const expected = plainOf(root, { of: owner, field, text });
  if (!isDeepStrictEqual(reread, expected)) {
    throw new YamlFault(`its ${field} cannot be replaced alone: other fields share the value`);
  }
  return result;
}

/**
 * Replaces credentials of the user of one context; every other byte of the kubeconfig stays.
 *
 * @param credentials PEM texts; only existing fields of the kubeconfig can be replaced
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`
 */
export function replaceKubeconfigCredentials(
  source: string,
  path: HostPath,
  credentials: Partial<Readonly<Record<CredentialField, string>>>,
  choice: ContextChoice = {},
): string {
  let result = source;
  for (const field of ['client-certificate-data', 'client-key-data'] as const) {
    const pem = credentials[field];
    if (pem === undefined) continue;
    result = judged(path, () => {
      const root = readRoot(result);
      const { user } = chooseContext(root, path, choice);
      if (user === undefined) throw new YamlFault('its context has no user');
      return replaceField(result, user, root, field, pem);
    });
  }
  const reread = parseKubeconfig(result, path, choice);
  const expected = [credentials['client-certificate-data'], credentials['client-key-data']];
  const written = [reread.certificate, reread.key].map((part) => (part?.in === 'kubeconfig' ? part.text : undefined));
  if (expected.some((pem, at) => pem !== undefined && pem !== written[at])) {
    throw malformed(path, 'the old credentials cannot be replaced');
  }
  return result;
}

function clustersOf(root: GoMap): readonly (GoValue | undefined)[] {
  return itemsOf(root, 'clusters').map((entry) => fieldIn(entry, 'cluster'));
}

/**
 * The CA bundles of every cluster of a kubeconfig.
 *
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`; the message never quotes a credential
 */
export function readKubeconfigTrust(source: string, path: HostPath): readonly KubeconfigCredential[] {
  return judged(path, () => clustersOf(readRoot(source)))
    .map((cluster) => credentialIn(cluster, 'certificate-authority', path))
    .filter((trust) => trust !== undefined);
}

/**
 * The credentials of every user of a kubeconfig, in a context or not.
 *
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`; the message never quotes a credential
 */
export function readKubeconfigUsers(source: string, path: HostPath): readonly KubeconfigUser[] {
  return judged(path, () => itemsOf(readRoot(source), 'users')).map((entry) => userIn(fieldIn(entry, 'user'), path));
}

/**
 * Replaces embedded CA bundles, cluster by cluster; every other byte of the kubeconfig stays.
 *
 * @param replace the new PEM bundle for an old one; the same text leaves it unchanged
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID`
 */
export function replaceKubeconfigTrust(source: string, path: HostPath, replace: (pem: string) => string): string {
  const count = judged(path, () => clustersOf(readRoot(source)).length);
  let result = source;
  for (let index = 0; index < count; index += 1) {
    result = judged(path, () => {
      const root = readRoot(result);
      const cluster = clustersOf(root)[index];
      const old = credentialIn(cluster, 'certificate-authority', path);
      if (cluster === undefined || old?.in !== 'kubeconfig') return result;
      const pem = replace(old.text);
      return pem === old.text ? result : replaceField(result, cluster, root, 'certificate-authority-data', pem);
    });
  }
  return result;
}

/** The host of an `http:` or `https:` URL without brackets; `undefined` for anything else. */
export function hostOfUrl(url: string): string | undefined {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
