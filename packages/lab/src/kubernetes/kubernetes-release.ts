import type { WantedProgram } from './binaries-fitness.ts';

/** The Kubernetes programs of a lab cluster, by the names of their commands in the Kubernetes source. */
export const KUBERNETES_BINARIES: readonly string[] = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubeadm',
  'kubectl',
  'kubelet',
];

/** The programs of a release of etcd that a lab does not take from Debian. */
export const ETCD_BINARIES: readonly string[] = ['etcd', 'etcdctl', 'etcdutl'];

/** A release of Kubernetes that a lab can start, and what differs between releases. */
export interface KubernetesRelease {
  /** As Kubernetes writes it: `v1.37.2`. */
  readonly version: string;
  readonly minor: number;
  /** Where kubeadm says that its images are. */
  readonly imageRepository: 'registry.k8s.io' | 'k8s.gcr.io';
  /** kubeadm's own default (cmd/kubeadm/app/constants/constants.go, DefaultEtcdVersion); the content may be a later patch release. */
  readonly etcdImageTag: string;
  /** The etcd that runs: `v3.7.3`; `undefined` is that of Debian's packages etcd-server and etcd-client. */
  readonly etcdVersion: string | undefined;
  /** The oldest Go that builds it and its etcd from Go modules; `undefined` when Debian's source package has it. */
  readonly go: string | undefined;
}

/** The releases of a lab, by what `--kubernetes` takes; the newest first. */
export const KUBERNETES_RELEASES = {
  '1.37': {
    ...{ version: 'v1.37.2', minor: 37, imageRepository: 'registry.k8s.io' },
    ...{ etcdImageTag: '3.7.0-0', etcdVersion: 'v3.7.3', go: '1.26' },
  },
  // Kubernetes 1.34 itself needs Go 1.24, etcd 3.6.16 Go 1.26.
  '1.34': {
    ...{ version: 'v1.34.4', minor: 34, imageRepository: 'registry.k8s.io' },
    ...{ etcdImageTag: '3.6.5-0', etcdVersion: 'v3.6.16', go: '1.26' },
  },
  // Debian 12 has its source (package `kubernetes`), and etcd 3.4 as a program.
  '1.20': {
    ...{ version: 'v1.20.2', minor: 20, imageRepository: 'k8s.gcr.io' },
    ...{ etcdImageTag: '3.4.13-0', etcdVersion: undefined, go: undefined },
  },
} as const satisfies Readonly<Record<string, KubernetesRelease>>;

export type KubernetesReleaseName = keyof typeof KUBERNETES_RELEASES;

/** The release of self-hosted clusters: they are of its time. */
export const SELF_HOSTED_RELEASE: KubernetesRelease = KUBERNETES_RELEASES['1.20'];

/** The names of the programs that the directory of a release contains. */
export function programsOf({ etcdVersion }: Pick<KubernetesRelease, 'etcdVersion'>): readonly string[] {
  return etcdVersion === undefined ? KUBERNETES_BINARIES : [...KUBERNETES_BINARIES, ...ETCD_BINARIES];
}

/** The programs of a release, with the versions that they must report; etcd may be another patch release. */
export function wantedPrograms(release: KubernetesRelease): readonly WantedProgram[] {
  const { version, etcdVersion } = release;
  return programsOf(release).map((name) =>
    ETCD_BINARIES.includes(name) ? { name, version: etcdVersion ?? '', anyPatch: true } : { name, version },
  );
}
