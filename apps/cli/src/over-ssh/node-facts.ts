import { createHash } from 'node:crypto';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, HostPath } from '@kube-rescue/host';
import { type Certificate, parseCertificates } from '@kube-rescue/x509';
import type { RemoteNode } from './remote-node.ts';

/** What a node shows without our program. */
export interface NodeFacts {
  readonly name: string;
  /** Its own host name. */
  readonly hostname: string;
  /** `uname -m`. */
  readonly machine: string;
  /** Its clock minus this machine's, in milliseconds, and by how much that may be wrong. */
  readonly clockOffsetMs: number;
  readonly clockErrorMs: number;
  /** SHA-256 of the certificates in each file of a CA; absent: there is no such file. */
  readonly cas: Readonly<Record<string, string>>;
  /** When the first of these certificates ends, in milliseconds; `undefined` where none can be read. */
  readonly casEndMs?: number | undefined;
  /** The tag of the image of its API server, such as `v1.34.2`; `null` where its manifest names none. */
  readonly kubernetes: string | null;
}

const CA_FILES = ['ca.crt', 'etcd/ca.crt', 'front-proxy-ca.crt'] as const;
const MANIFEST = 'kube-apiserver.yaml';
const TIMEOUT_MS = 60_000;
/** More is no file of kubeadm's. */
const MOST_BYTES = 1024 * 1024;
const MS_PER_SECOND = 1000;

/** $1 directory of the files, then their names. Prints the time and the processor, then each file in base64 on a line; empty: it is missing. */
const FACTS = `
date +%s
uname -m
directory=$1
shift
for name; do
  [ ! -f "$directory/$name" ] || head -c ${MOST_BYTES} -- "$directory/$name" | base64 -w0
  echo
done
`;

/**
 * Reads the facts of a node at once, without writing. They are compared with those of the other nodes, and believed for nothing else.
 * @param directory of the manifests and the kubeconfigs, with `pki` in it
 * @throws HostError
 */
export async function readFacts(node: RemoteNode, directory: HostPath, clock: Clock): Promise<NodeFacts> {
  const { host } = node;
  const names = [...CA_FILES.map((name) => `pki/${name}`), `manifests/${MANIFEST}`];
  const before = clock.now().getTime();
  const argv = ['sh', '-c', FACTS, 'kube-rescue', directory, ...names] as const;
  const { stdout } = await host.exec(argv, { timeoutMs: TIMEOUT_MS });
  const after = clock.now().getTime();
  const [seconds = '', machine = '', ...files] = stdout.split('\n');
  const bytesOf = (index: number): Uint8Array | undefined => {
    const text = files[index] ?? '';
    return text === '' ? undefined : Buffer.from(text, 'base64');
  };
  const cas = CA_FILES.map((name, index) => [name, fingerprintOf(bytesOf(index), name)] as const);
  const ends = CA_FILES.flatMap((name, index) => certificatesOf(bytesOf(index), name) ?? []).map(({ notAfter }) => {
    return notAfter.getTime();
  });
  return {
    name: node.name,
    hostname: host.hostname,
    machine,
    // It shows whole seconds.
    clockOffsetMs: Number(seconds) * MS_PER_SECOND + MS_PER_SECOND / 2 - (before + after) / 2,
    clockErrorMs: (after - before + MS_PER_SECOND) / 2,
    cas: Object.fromEntries(
      cas.filter((entry): entry is [(typeof CA_FILES)[number], string] => entry[1] !== undefined),
    ),
    casEndMs: ends.length === 0 ? undefined : Math.min(...ends),
    kubernetes: versionOf(bytesOf(CA_FILES.length)),
  };
}

/** Of the certificates, not of the text around them; a file without a readable certificate counts by its bytes. */
export function fingerprintOf(bytes: Uint8Array | undefined, name: string): string | undefined {
  if (bytes === undefined) return undefined;
  const certificates = certificatesOf(bytes, name);
  if (certificates === undefined) return createHash('sha256').update(bytes).digest('hex');
  return certificates.map(({ x509 }) => x509.fingerprint256).join(' ');
}

function certificatesOf(bytes: Uint8Array | undefined, name: string): readonly Certificate[] | undefined {
  if (bytes === undefined) return undefined;
  try {
    return parseCertificates(new TextDecoder().decode(bytes), name);
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return undefined;
  }
}

function versionOf(manifest: Uint8Array | undefined): string | null {
  const text = new TextDecoder().decode(manifest);
  return /^\s*image:\s*\S*kube-apiserver\S*:(v[\w.+-]+)\s*$/m.exec(text)?.[1] ?? null;
}
