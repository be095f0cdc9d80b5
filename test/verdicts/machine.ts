import { generateKeyPairSync } from 'node:crypto';
import { type Host, HostError, hostPath } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import {
  buildPki,
  createFakeHost,
  createFixedClock,
  issueCertificate,
  type KeyPair,
  type FakeHostOptions,
  type NodeTree,
  type Pki,
  type PkiOptions,
  treeOf,
} from '@kube-rescue/testing';

/** The time of every machine, so that its triage has the same dates each time. */
export const NOW = new Date('2026-11-22T12:00:00Z');
export const DAY_MS = 24 * 60 * 60 * 1000;
export const PKI = '/etc/kubernetes/pki';
export const MANIFESTS = '/etc/kubernetes/manifests';

/** A broken machine, as a person in the field meets it. */
export interface Machine {
  /** A heading. */
  readonly title: string;
  /** What is broken, in one line. */
  readonly broken: string;
  readonly build: () => Promise<Node>;
}

/** Days before or after {@link NOW}. */
export function daysFromNow(days: number): Date {
  return new Date(NOW.getTime() + days * DAY_MS);
}

const built = new Map<string, Promise<Pki>>();

/**
 * The PKI of a kubeadm node at {@link NOW}, ECDSA, so that it is fast to build. The same for the same options, so that machines
 * share it.
 */
export function pkiOf(options: PkiOptions = {}): Promise<Pki> {
  const key = JSON.stringify(options);
  const pki = built.get(key) ?? anotherPki(options);
  built.set(key, pki);
  return pki;
}

/** A PKI with CAs of its own. */
export function anotherPki(options: PkiOptions = {}): Promise<Pki> {
  return buildPki({ now: NOW, algorithm: 'ecdsa', ...options });
}

/** A tree with changed or added texts; `undefined` removes the file. */
export function withFiles(tree: NodeTree, files: Readonly<Record<string, string | undefined>>): NodeTree {
  const changed = new Map(tree);
  for (const [path, text] of Object.entries(files)) {
    const entry = tree.get(hostPath(path));
    if (text === undefined) changed.delete(hostPath(path));
    else
      changed.set(hostPath(path), {
        kind: 'file',
        bytes: Buffer.from(text),
        mode: entry?.kind === 'file' ? entry.mode : 0o644,
      });
  }
  return changed;
}

/** The text of a file of the tree. */
export function textOf(tree: NodeTree, path: string): string {
  const entry = tree.get(hostPath(path));
  if (entry?.kind !== 'file') throw new Error(`no file ${path}`);
  return Buffer.from(entry.bytes).toString();
}

/** A tree in which the text of one file is edited. */
export function edit(tree: NodeTree, path: string, change: (text: string) => string): NodeTree {
  const before = textOf(tree, path);
  const after = change(before);
  if (after === before) throw new Error(`the edit of ${path} changes nothing`);
  return withFiles(tree, { [path]: after });
}

/** The node on a copy of its files, as `--root` reads it. */
export function copyOf(tree: NodeTree): Node {
  return openedAt({ ...createFakeHost({ tree: onMachine(tree) }), kind: 'copy' });
}

/** The running machine; its services and processes are those of `options`, and no port but etcd's accepts connections. */
export function liveNode(tree: NodeTree, options: Omit<FakeHostOptions, 'tree'> = {}): Node {
  const refused = async ({ url }: { readonly url: string }): Promise<never> => {
    throw new HostError({
      code: 'HOST_CONNECTION_FAILED',
      message: `no connection: connection refused`,
      subject: url,
      hint: '',
    });
  };
  const host = createFakeHost({ ...options, tree: onMachine(tree) });
  return openedAt({
    ...host,
    request: refused,
    connect: async ({ host: name, port }) => refused({ url: `${name}:${port}` }),
  });
}

export function openedAt(host: Host, now: Date = NOW): Node {
  const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  return openNode(options, { host, clock: createFixedClock(now) });
}

function onMachine(tree: NodeTree): NodeTree {
  return new Map([...treeOf({ '/etc/hostname': 'node01\n' }), ...tree]);
}

/** A leaf that the CA signs, valid for a year around {@link NOW}; its key is new. */
export async function signLeaf(
  issuer: KeyPair,
  subject: string,
  { usage, names }: { readonly usage: string; readonly names?: string },
): Promise<KeyPair> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  const certificate = await issueCertificate({
    subject,
    extensions: [
      'keyUsage=critical,digitalSignature,keyEncipherment',
      `extendedKeyUsage=${usage}`,
      'authorityKeyIdentifier=keyid',
      ...(names === undefined ? [] : [`subjectAltName=${names}`]),
    ],
    key,
    issuer,
    notBefore: daysFromNow(-180),
    notAfter: daysFromNow(185),
  });
  return { certificate, key };
}

/** The two files of a pair of kubeadm, by their paths. */
export function pairFiles(name: string, { certificate, key }: KeyPair): Readonly<Record<string, string>> {
  return { [`${PKI}/${name}.crt`]: certificate, [`${PKI}/${name}.key`]: key };
}
