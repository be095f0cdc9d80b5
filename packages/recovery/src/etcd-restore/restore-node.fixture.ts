import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ExecResult, type Host, HostError, hostPath, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, type NodeTree, type RunningEtcd, treeOf } from '@kube-rescue/testing';

export const SNAPSHOT = hostPath('/root/etcd.db');
export const OTHER_DATA = hostPath('/mnt/etcd');
const DATABASE = hostPath(`${OTHER_DATA}/member/snap/db`);
export const DATA = hostPath('/var/lib/etcd');
const OWN = hostPath(`${DATA}/member/snap/db`);
const MANIFESTS = '/etc/kubernetes/manifests';
const KUBELET = [
  '/usr/bin/kubelet',
  '--config=/var/lib/kubelet/config.yaml',
  '--kubeconfig=/etc/kubernetes/kubelet.conf',
];
const ETCDCTL = 'etcdctl';
const HASH_BYTES = 32;
const PAGE_BYTES = 4096;
const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/**
 * A kubeadm node whose kubelet runs the static pods of its manifests, without any delay. Its `etcdctl` is the machine's own, which
 * restores into a temporary directory; the result is copied into the node.
 * @param known results of the program by its subcommand, for many runs with one snapshot. Default: it runs each time
 * @param lost the data directory is whole, of a member whose others do not answer, but for those of these hosts and ports. Default:
 * damaged
 */
export function createRestoreNode(
  tree: NodeTree,
  snapshot: Uint8Array,
  known?: Map<string, ToolRun>,
  lost?: { readonly answering: readonly string[] },
): Host {
  const data = lost === undefined ? 'damaged' : snapshot.subarray(0, snapshot.length - HASH_BYTES);
  let discarded = 0;
  let kubelets = 1;
  const fake = createFakeHost({
    tree: new Map([
      ...[...tree].filter(([file]) => !file.startsWith(DATA)),
      ...treeOf({ [`${DATA}/member/wal/0.wal`]: 'old' }),
      [OWN, { kind: 'file' as const, bytes: Buffer.from(data), mode: 0o600 }],
      [SNAPSHOT, { kind: 'file' as const, bytes: snapshot, mode: 0o600 }],
    ]),
    services: { kubelet: 'running' },
    request: ({ url }) => {
      const { host, pathname } = new URL(url);
      // The peer ports of the members in the database are on loopback, the components of this node elsewhere.
      if (lost === undefined || pathname !== '/version' || lost.answering.includes(host))
        return { status: 200, body: 'ok' };
      throw new HostError({ code: 'HOST_CONNECTION_FAILED', message: 'no answer', subject: url, hint: 'start it' });
    },
    exec: (argv) => {
      const [program, ...words] = argv;
      if (program === 'rm') {
        discarded += 1;
        const stage = hostPath(words.at(-1) ?? '');
        void fake.moveDirectory(stage, hostPath(`/discarded-${discarded}`)).catch(() => undefined);
        return { exitCode: 0, stdout: '', stderr: '' };
      }
      if (program !== 'etcdctl') return undefined;
      const kind = ['--help', 'version', 'restore'].find((word) => words.includes(word)) ?? '';
      const ran = known?.get(kind) ?? runTool(program, words, snapshot);
      known?.set(kind, ran);
      const target = words.find((word) => word.startsWith('--data-dir='))?.slice('--data-dir='.length);
      for (const [file, bytes] of ran.files) {
        void fake.makeDirectory(hostPath(path.dirname(`${target}${file}`)), { mode: 0o700 });
        void fake.writeFile(hostPath(`${target}${file}`), bytes, { mode: 0o600 });
      }
      return ran.result;
    },
  });
  const uidOf = async (component: string): Promise<string | undefined> => {
    const bytes = await fake.readFile(hostPath(`${MANIFESTS}/${component}.yaml`));
    return bytes && createHash('md5').update(bytes).digest('hex');
  };
  return {
    ...fake,
    services: {
      ...fake.services,
      act: async (action, name) => {
        await fake.services.act(action, name);
        if (action !== 'stop') kubelets += 1;
      },
    },
    processes: async () => {
      const running = await Promise.all(
        COMPONENTS.map(async (name, index): Promise<ProcessInfo | undefined> => {
          const uid = await uidOf(name);
          if (uid === undefined) return undefined;
          const cgroup = `0::/kubepods/burstable/pod${uid}/${uid}${uid}\n`;
          return { pid: index + 100, argv: [name], startTicks: index + 100, cgroup };
        }),
      );
      const kubelet = { pid: kubelets, argv: KUBELET, uid: 0, effectiveUid: 0, startTicks: kubelets, cgroup: '0::/\n' };
      return [kubelet, ...running.filter((each) => each !== undefined)];
    },
  };
}

/** Puts what tells a cluster from others: the CA that its API server accepts clients of. */
export async function putClusterIdentity(etcd: RunningEtcd, ca: string): Promise<void> {
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'client-ca-file': ca } };
  await etcd.etcdctl('put', `/registry/configmaps/kube-system/${metadata.name}`, JSON.stringify(object));
}

/** What the program has written, below its data directory, and how it ended. */
export interface ToolRun {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly result: ExecResult;
}

/** Runs the real program, with the directory of the node and the file of the node mapped to real ones. */
function runTool(program: string, words: readonly string[], snapshot: Uint8Array): ToolRun {
  const scratch = mkdtempSync(path.join(tmpdir(), 'kube-rescue-restore-'));
  const files = new Map<string, Uint8Array>();
  try {
    const file = path.join(scratch, 'snapshot.db');
    // The database of a data directory has no hash at its end.
    const isDatabase = words.includes(DATABASE) || words.includes(OWN);
    writeFileSync(file, isDatabase ? snapshot.subarray(0, snapshot.length - HASH_BYTES) : snapshot);
    const real = path.join(scratch, 'data');
    const mapped = words.map((word) => {
      if (word === SNAPSHOT || word === DATABASE || word === OWN) return file;
      return word.startsWith('--data-dir=') ? `--data-dir=${real}` : word;
    });
    const env = { ETCDCTL_API: '3', PATH: process.env['PATH'] };
    const output = execFileSync(program, mapped, { env, stdio: 'pipe' });
    const written = existsSync(real) ? readdirSync(real, { recursive: true, withFileTypes: true }) : [];
    for (const each of written.filter((entry) => entry.isFile())) {
      const from = path.join(each.parentPath, each.name);
      files.set(from.slice(real.length), withoutReserve(readFileSync(from)));
    }
    return { files, result: { exitCode: 0, stdout: output.toString(), stderr: '' } };
  } catch (error) {
    const { status, stderr } = error as { readonly status?: number; readonly stderr?: Buffer };
    return { files, result: { exitCode: status ?? 1, stdout: '', stderr: stderr?.toString() ?? '' } };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** A log without the zeros that etcd reserves: 64 MB. */
function withoutReserve(bytes: Buffer): Buffer {
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  return bytes.subarray(0, Math.min(bytes.length, (Math.floor(end / PAGE_BYTES) + 2) * PAGE_BYTES));
}

/** A snapshot of the first member, of one that may have others. */
export function saveFirstMember(etcd: RunningEtcd): Uint8Array {
  const file = path.join(etcd.directory, `snapshot-${Math.random()}.db`);
  const words = [`--endpoints=${etcd.members[0].endpoint}`, ...etcd.etcdctlFlags.slice(1), 'snapshot', 'save', file];
  execFileSync(ETCDCTL, words, { env: { ETCDCTL_API: '3', PATH: process.env['PATH'] }, stdio: 'pipe' });
  return readFileSync(file);
}

/** The files of a node whose etcd had joined two others, which its manifest names. */
export function treeOfJoined(tree: NodeTree, others: readonly string[]): NodeTree {
  const manifest = hostPath(`${MANIFESTS}/etcd.yaml`);
  const entry = tree.get(manifest);
  if (entry?.kind !== 'file') throw new Error('the node has no manifest of etcd');
  const text = Buffer.from(entry.bytes).toString();
  const [list = ''] = /--initial-cluster=\S+/.exec(text) ?? [];
  const members = [list, ...others].join(',');
  const joined = text.replace(list, `${members}\n    - --initial-cluster-state=existing`);
  return new Map([...tree, [manifest, { ...entry, bytes: Buffer.from(joined) }]]);
}
