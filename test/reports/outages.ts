import { crashingPod, failingKubelet, failingKubeletCopy } from './broken-node.ts';
import type { Report } from './reports.ts';

const RECOVER = 'kube-rescue recover';
const PANIC = 'failed to recover v3 backend from snapshot';

/** Reports of Kubernetes 1.25 and later: nothing has expired, and something else does not start. */
export const OUTAGES: readonly Report[] = [
  {
    address: 'https://github.com/k0sproject/k0s/issues/7398',
    state: 'a kubelet of 1.35 on a machine with cgroup v1',
    build: () =>
      failingKubelet({
        version: '1.35.1',
        files: {
          '/sys/fs/cgroup/cgroup.controllers': undefined,
          '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        },
      }),
    code: 'CGROUP_V1_REFUSED',
    says: ['refuses cgroup v1', '1.35.1', 'by default', 'failCgroupV1: false'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/voxpupuli/puppet-k8s/issues/64',
    state: 'the kubelet was updated to 1.27, which has no --container-runtime',
    build: () =>
      failingKubelet({
        version: '1.27.3',
        flags: '--container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock',
        journal: [
          'E0707 08:17:04.199967    5604 run.go:74] "command failed" err="failed to parse kubelet flag: unknown flag: --container-runtime"',
        ],
      }),
    code: 'FLAG_UNKNOWN',
    says: ['--container-runtime=remote: removed in 1.27', '/usr/bin/kubelet --version', 'kubeadm-flags.env'],
    never: [RECOVER, '--container-runtime-endpoint'],
  },
  {
    address: 'https://github.com/kubernetes/kubeadm/issues/3281',
    state: 'a copy of the files of a node whose kubelet refuses --pod-infra-container-image',
    build: () =>
      failingKubeletCopy({
        version: '1.35.0',
        flags: '--hostname-override=node01 --pod-infra-container-image=registry.k8s.io/pause:3.10.1',
      }),
    code: 'FLAG_UNKNOWN',
    says: ['--pod-infra-container-image', 'removed in 1.35', '/var/lib/dpkg/status'],
  },
  {
    address: 'https://github.com/Azure/AKSFlexNode/pull/67',
    state: 'swap is on, although swappiness is 0',
    build: () =>
      failingKubelet({
        version: '1.34.2',
        files: {
          '/proc/swaps':
            'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swapfile                               file\t\t3991548\t\t0\t\t-2\n',
        },
        journal: [
          'I0205 10:58:14.917220   12704 swap_util.go:115] "Swap is on" /proc/swaps contents=<',
          'E0205 10:58:14.917245   12704 run.go:72] "command failed" err="failed to run Kubelet: running with swap on is not supported, please disable swap or set --fail-swap-on flag to false"',
        ],
      }),
    code: 'SWAP_REFUSED',
    says: ['/swapfile file 3991548 0 -2', 'swapoff -a', 'failSwapOn: not set, true by default'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/minikube/issues/17170',
    state: 'the runtime behind the socket has no CRI v1',
    build: () =>
      failingKubelet({
        version: '1.27.3',
        flags: '--container-runtime-endpoint=unix:///var/run/cri-dockerd.sock',
        files: { '/var/run/cri-dockerd.sock': '' },
        journal: [
          'I0903 15:54:42.869062   25969 server.go:415] "Kubelet version" kubeletVersion="v1.27.3"',
          'E0903 15:54:42.118101   25959 run.go:74] "command failed" err="failed to run Kubelet: validate service connection: validate CRI v1 runtime API for endpoint \\"unix:///var/run/cri-dockerd.sock\\": rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService"',
        ],
      }),
    code: 'CONTAINER_RUNTIME_REFUSED',
    says: ['no CRI v1', 'journal of kubelet.service', '2026-11-22 11:55:00 UTC'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/pull/122180',
    state: 'the socket of the runtime is elsewhere',
    build: () =>
      failingKubelet({
        version: '1.29.0',
        flags: '--container-runtime-endpoint=/var/run/docker/containerd/containerd.sock',
        journal: [
          'E1205 09:20:20.862841  145524 run.go:74] "command failed" err="failed to run Kubelet: validate service connection: validate CRI v1 runtime API for endpoint \\"/var/run/docker/containerd/containerd.sock\\": rpc error: code = Unavailable desc = connection error: desc = \\"transport: Error while dialing: dial unix /var/run/docker/containerd/containerd.sock: connect: no such file or directory\\""',
        ],
      }),
    code: 'CONTAINER_RUNTIME_MISSING',
    says: [
      '/var/run/docker/containerd/containerd.sock, the socket of its container runtime, is missing',
      '/run/containerd/containerd.sock exists',
      'containerRuntimeEndpoint: unix:///run/containerd/containerd.sock',
    ],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/115824',
    state: 'a unit written by hand does not name the container runtime',
    build: () =>
      failingKubelet({
        version: '1.26.1',
        journal: [
          'E0216 08:15:48.852698    5148 run.go:74] "command failed" err="failed to validate kubelet flags: the container runtime endpoint address was not specified or empty, use --container-runtime-endpoint to set"',
        ],
      }),
    code: 'KUBELET_CONFIGURATION_REFUSED',
    says: ['use --container-runtime-endpoint to set'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/kops/issues/17252',
    state: 'the kubelet has a feature gate that 1.27 removed',
    build: () =>
      failingKubelet({
        version: '1.27.16',
        flags: '--feature-gates=ExpandPersistentVolumes=true',
        journal: [
          'E0204 20:07:50.696548    3571 run.go:74] "command failed" err="failed to set feature gates from initial flags-based config: unrecognized feature gate: ExpandPersistentVolumes"',
        ],
      }),
    code: 'FEATURE_GATE_UNKNOWN',
    says: ['no feature gate ExpandPersistentVolumes', 'featureGates'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/siderolabs/talos/issues/13480',
    state: 'the API server of 1.35 has a feature gate of 1.34',
    build: () =>
      crashingPod({
        component: 'kube-apiserver',
        flag: '--feature-gates=UserNamespacesPodSecurityStandards=true',
        log: [
          'E0601 05:14:46.761948       1 run.go:72] "command failed" err="unrecognized feature gate: UserNamespacesPodSecurityStandards"',
        ],
      }),
    code: 'FEATURE_GATE_UNKNOWN',
    says: ['kube-apiserver does not start', 'UserNamespacesPodSecurityStandards', 'kube-apiserver.yaml', '5.log'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/rootless-containers/usernetes/pull/371',
    state: 'the API server of 1.33 has no --cloud-provider',
    build: () =>
      crashingPod({
        component: 'kube-apiserver',
        flag: '--cloud-provider=external',
        log: ['Error: unknown flag: --cloud-provider'],
      }),
    code: 'FLAG_UNKNOWN',
    says: ['no flag --cloud-provider', '/etc/kubernetes/manifests/kube-apiserver.yaml'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/etcd-io/etcd/issues/14569',
    state: 'etcd 3.5 panics: the snapshot that its log needs is missing',
    build: () =>
      crashingPod({
        component: 'etcd',
        log: [
          '{"level":"warn","ts":"2022-10-06T09:18:02.022-0500","caller":"snap/db.go:88","msg":"failed to find [SNAPSHOT-INDEX].snap.db","snapshot-index":3420684,"error":"snap: snapshot file doesn\'t exist"}',
          `{"level":"panic","ts":"2022-10-06T09:18:02.022-0500","caller":"etcdserver/server.go:515","msg":"${PANIC}","error":"failed to find database snapshot file (snap: snapshot file doesn't exist)"}`,
          `panic: ${PANIC}`,
          'goroutine 1 [running]:',
        ],
      }),
    code: 'ETCD_DATA_DAMAGED',
    says: ['its data on disk is damaged', PANIC, 'copy the data directory away'],
    never: [RECOVER],
  },
];
