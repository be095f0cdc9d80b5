import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, CA_NAMES, LEAF_NAMES, type NodeTree, type PkiOptions, plantTree } from '@kube-rescue/testing';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

/** A node's files, on which every command is recorded. */
export interface TranscribedMachine {
  readonly name: string;
  /** What is broken, in one line. */
  readonly broken: string;
  readonly pki: PkiOptions;
  /** The files that are left. Default: all. */
  readonly keeps?: (path: string) => boolean;
}

const WORKER_FILES = ['/etc/kubernetes/kubelet.conf', '/etc/kubernetes/pki/ca.crt', '/var/lib/kubelet/'];

export const TRANSCRIBED: readonly TranscribedMachine[] = [
  { name: 'healthy', broken: 'Nothing is broken.', pki: {} },
  { name: 'expired', broken: 'Every leaf has expired; the CAs and their keys are good.', pki: { expired: LEAF_NAMES } },
  { name: 'ca-expired', broken: 'The CAs have expired too.', pki: { expired: [...CA_NAMES, ...LEAF_NAMES] } },
  {
    name: 'key-missing',
    broken: 'Every leaf has expired, and the key of the cluster CA is not on the node.',
    pki: { expired: LEAF_NAMES, missingCaKeys: ['ca'] },
  },
  {
    name: 'worker',
    broken: 'A worker whose kubelet certificate has expired.',
    pki: { expired: ['kubelet-client'] },
    keeps: (file) => WORKER_FILES.some((kept) => file.startsWith(kept)),
  },
  { name: 'empty', broken: 'A machine without Kubernetes.', pki: {}, keeps: () => false },
];

/** Writes the files of a machine below `directory`, and returns their root. */
export async function plantMachine({ name, pki, keeps }: TranscribedMachine, directory: string): Promise<string> {
  const root = path.join(directory, name);
  await mkdir(root, { mode: 0o755 });
  const { tree } = await buildPki({ algorithm: 'ecdsa', ...pki });
  const kept: NodeTree = keeps === undefined ? tree : new Map([...tree].filter(([file]) => keeps(file)));
  await plantTree(createLocalHost({ root: hostPath(root) }), kept);
  return root;
}
