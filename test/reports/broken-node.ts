import type { Node } from '@kube-rescue/node';
import type { NodeTree } from '@kube-rescue/testing';
import { copyOf, edit, liveNode, MANIFESTS, pkiOf, withFiles } from '../verdicts/machine.ts';

const UNIT = '/usr/lib/systemd/system/kubelet.service';
const KUBELET = '/usr/bin/kubelet';
/** The drop-in of kubeadm's package. */
const DROP_IN = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=${KUBELET} $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;
const SOCKET = '/run/containerd/containerd.sock';
/** A machine with cgroup v2 and a container runtime, without swap. */
const MACHINE = {
  [UNIT]: `[Service]\nExecStart=${KUBELET}\nRestart=always\n`,
  [`${UNIT}.d/10-kubeadm.conf`]: DROP_IN,
  [KUBELET]: 'the program',
  [SOCKET]: '',
  '/sys/fs/cgroup/cgroup.controllers': 'cpu memory\n',
  '/proc/swaps': 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n',
};

/** A kubelet that ends at every start. */
export interface FailingKubelet {
  /** Of `kubelet --version`, and of the package. */
  readonly version: string;
  /** The text of KUBELET_KUBEADM_ARGS. */
  readonly flags?: string;
  /** What its last process wrote into the journal. */
  readonly journal?: readonly string[];
  /** Added to the machine; `undefined` removes a file. */
  readonly files?: Readonly<Record<string, string | undefined>>;
}

async function treeWith({ version, flags = '', files = {} }: FailingKubelet): Promise<NodeTree> {
  return withFiles((await pkiOf()).tree, {
    ...MACHINE,
    '/var/lib/kubelet/kubeadm-flags.env': `KUBELET_KUBEADM_ARGS="${flags}"\n`,
    '/var/lib/dpkg/status': `Package: kubelet\nStatus: hold ok installed\nVersion: ${version}-1.1\n`,
    ...files,
  });
}

/** Lines of `journalctl --output=json`, written five minutes before the triage. */
function journalOf(lines: readonly string[]): string {
  const at = String(Date.parse('2026-11-22T11:55:00Z') * 1000);
  return lines.map((text) => JSON.stringify({ __REALTIME_TIMESTAMP: at, _PID: '5148', MESSAGE: text })).join('\n');
}

/** The running machine of a kubelet that ends at every start. */
export async function failingKubelet(kubelet: FailingKubelet): Promise<Node> {
  return liveNode(await treeWith(kubelet), {
    services: { kubelet: 'starting' },
    exec: ([program]) => {
      if (program === KUBELET) return { exitCode: 0, stdout: `Kubernetes v${kubelet.version}\n`, stderr: '' };
      if (program === 'journalctl') return { exitCode: 0, stdout: journalOf(kubelet.journal ?? []), stderr: '' };
      return undefined;
    },
  });
}

/** A copy of its files, where nothing can be run. */
export async function failingKubeletCopy(kubelet: FailingKubelet): Promise<Node> {
  return copyOf(await treeWith(kubelet));
}

/** A static pod that ends at every start, on a machine whose kubelet runs. */
export interface CrashingPod {
  readonly component: 'etcd' | 'kube-apiserver';
  /** Added to its command line. */
  readonly flag?: string;
  /** What it printed at its last start. */
  readonly log: readonly string[];
  readonly files?: Readonly<Record<string, string | undefined>>;
}

export async function crashingPod({ component, flag, log, files = {} }: CrashingPod): Promise<Node> {
  const { tree } = await pkiOf();
  const manifest = `${MANIFESTS}/${component}.yaml`;
  const flagged =
    flag === undefined
      ? tree
      : edit(tree, manifest, (text) => text.replace(`    - ${component}\n`, `$&    - ${flag}\n`));
  const lines = log.map((line) => `2026-11-22T11:55:00.000000001Z stderr F ${line}\n`).join('');
  const path = `/var/log/pods/kube-system_${component}-node01_bf74782d/${component}/5.log`;
  return liveNode(withFiles(flagged, { ...MACHINE, [path]: lines, ...files }), {
    services: { kubelet: 'running' },
    processes: () => [
      { pid: 700, argv: [KUBELET], uid: 0, startTicks: 700, cgroup: '0::/system.slice/kubelet.service\n' },
    ],
  });
}
