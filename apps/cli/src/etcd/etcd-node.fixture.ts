import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type KubernetesObject, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createEtcdObjectStore, openEtcd } from '@kube-rescue/etcd-access';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { buildPki, type EtcdPki, type Pki, type PkiOptions, plantTree, type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { BIN, type Ended, runProgram } from '../cli-process.fixture.ts';

/** A control-plane node whose etcd is real and whose API server is dead. */
export interface EtcdNode {
  readonly etcd: RunningEtcd;
  readonly pki: Pki;
  /** The folder that stands for the node's `/`. */
  readonly root: string;
  /** Runs the program on the node, without a terminal. */
  run(...args: readonly string[]): Promise<Ended>;
  /** Puts an object into etcd as an API server would. */
  create(object: KubernetesObject): Promise<void>;
  remove(): Promise<void>;
}

/**
 * The node's files over those of this machine, and no process of this machine but the node's own: the program believes to
 * be on the node. Sockets are shared, so its etcd is reached.
 */
const ENTER = [
  ...['--mount', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c'],
  'mount -t overlay overlay -o "lowerdir=$0/etc:/etc" /etc && mount --bind "$0/var/lib" /var/lib && exec "$@"',
];

export async function startEtcdNode(options: PkiOptions & { readonly members?: number } = {}): Promise<EtcdNode> {
  const root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-etcd-node-'));
  const pki = await buildPki({ algorithm: 'ecdsa', address: '127.0.0.1', ...options });
  const etcd = await startEtcd({ pki: etcdPki(pki), members: options.members });
  const [member] = etcd.members;
  const tree = new Map(
    [...pki.tree].map(([file, entry]) => {
      if (entry.kind !== 'file' || !file.startsWith('/etc/kubernetes/manifests/')) return [file, entry];
      const text = Buffer.from(entry.bytes).toString().replaceAll(':2379', `:${member.port}`);
      return [file, { ...entry, bytes: Buffer.from(text) }];
    }),
  );
  await plantTree(createLocalHost({ root: hostPath(root) }), tree);
  await mkdir(path.join(root, 'var/lib/kubelet'), { recursive: true });
  for (const name of ['default', 'kube-system']) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await etcd.etcdctl('put', `/registry/namespaces/${name}`, JSON.stringify(namespace));
  }
  return {
    etcd,
    pki,
    root,
    run: (...args) => runProgram('unshare', [...ENTER, root, process.execPath, BIN, ...args]),
    create: async (object) => {
      const { ca, client } = etcdPki(pki);
      const tls = { ca: ca.certificate, client };
      const kv = await openEtcd({ endpoints: etcd.endpoints, tls }, { host: createLocalHost(), clock: systemClock });
      const store = createEtcdObjectStore({ kv, clock: systemClock });
      await store.create(RESOURCE_KINDS[object.kind as 'Secret'], object);
      kv.close();
    },
    remove: async () => {
      await etcd.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

function etcdPki({ pairs }: Pki): EtcdPki {
  return { ca: pairs['etcd/ca'], server: pairs['etcd/server'], client: pairs['apiserver-etcd-client'] };
}
