import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type KubernetesObject, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createEtcdObjectStore, openEtcd } from '@kube-rescue/etcd-access';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { type Pki, plantTree, type RunningEtcd, startNodeEtcd } from '@kube-rescue/testing';
import { BIN, type Ended, runProgram, type StartOptions } from '../cli-process.fixture.ts';

/** A control-plane node with a real etcd and no API server. */
export interface EtcdNode {
  readonly etcd: RunningEtcd;
  readonly pki: Pki;
  /** The directory of the root of the node. */
  readonly root: string;
  /** Runs the program on the node, without a terminal. */
  run(...args: readonly string[]): Promise<Ended>;
  /** The argument list in front of a program that is to run on the node. */
  readonly enter: readonly string[];
  /** Runs another program on the node. */
  exec(argv: readonly string[], options?: StartOptions): Promise<Ended>;
  /** Writes an object to etcd as an API server does. */
  create(object: KubernetesObject): Promise<void>;
  remove(): Promise<void>;
}

/** The directories of this machine that the node replaces where it has them. */
const REPLACED = ['/var/lib', '/var/log', '/sys'];

/**
 * Overlays this machine's files with the node's, and hides this machine's processes: to the program the machine is the node.
 * Sockets are shared, so the program reaches the node's etcd.
 */
const ENTER = [
  ...['--mount', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c'],
  [
    'mount -t overlay overlay -o "lowerdir=$0/etc:/etc" /etc',
    ...REPLACED.map((directory) => `{ [ ! -d "$0${directory}" ] || mount --bind "$0${directory}" ${directory}; }`),
    'exec "$@"',
  ].join(' && '),
];

export async function startEtcdNode(made: Parameters<typeof startNodeEtcd>[0] = {}): Promise<EtcdNode> {
  const root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-etcd-node-'));
  const { etcd, pki, tree } = await startNodeEtcd(made);
  await plantTree(createLocalHost({ root: hostPath(root) }), tree);
  await mkdir(path.join(root, 'var/lib/kubelet'), { recursive: true });
  for (const name of ['default', 'kube-system']) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    // Its certificate may have expired.
    await etcd.etcdctl('--insecure-skip-tls-verify', 'put', `/registry/namespaces/${name}`, JSON.stringify(namespace));
  }
  const exec: EtcdNode['exec'] = (argv, options) => runProgram('unshare', [...ENTER, root, ...argv], options);
  return {
    etcd,
    pki,
    root,
    enter: ['unshare', ...ENTER, root],
    exec,
    run: (...args) => exec([process.execPath, BIN, ...args]),
    create: async (object) => {
      const tls = { ca: pki.pairs['etcd/ca'].certificate, client: pki.pairs['apiserver-etcd-client'] };
      const kv = await openEtcd({ endpoints: etcd.endpoints, tls }, { host: createLocalHost(), clock: systemClock });
      await createEtcdObjectStore({ kv, clock: systemClock }).create(RESOURCE_KINDS[object.kind as 'Secret'], object);
      kv.close();
    },
    remove: async () => {
      await etcd.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
