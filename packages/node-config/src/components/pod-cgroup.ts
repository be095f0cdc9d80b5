/** The container of a process, by its cgroup. */
export interface ContainerProcess {
  /** With dashes, or 32 hexadecimal digits without for a static pod. */
  readonly podUid: string;
  /** 64 hexadecimal digits. */
  readonly containerId: string;
}

/** A hash of the manifest (32 digits) for static pods, else a UUID, in which systemd's slices write `_` for `-`. */
const POD_UID = '([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})';
const CONTAINER_ID = '([0-9a-f]{64})';
/** `cri-containerd-`, `crio-`, `docker-`. */
const RUNTIME = '(?:[a-z]+-){0,2}';
const QOS = '(?:burstable|besteffort)';
/** A cgroupRoot becomes the beginning of each slice's name. */
const SLICE = '(?:[^/:]+-)?kubepods';
/** A container may have cgroups of its own below. */
const END = '(?:/.*)?$';

/**
 * The path of a container's cgroup from its parent of all pods to the end: the kubelet's pkg/kubelet/cm
 * (`cgroup_manager_linux.go`, `pod_container_manager_linux.go`).
 * Observed: `/kubepods/burstable/podUID/ID` (cgroupfs driver), `kubepods-burstable-podUID.slice/cri-containerd-ID.scope`
 * (systemd driver), `kubepods-burstable-podUID.slice:cri-containerd:ID` (different drivers), each below any cgroupRoot.
 */
const SHAPES: readonly RegExp[] = [
  new RegExp(`^((?:/[^/]+)*)/kubepods(?:/${QOS})?/pod${POD_UID}/${RUNTIME}${CONTAINER_ID}${END}`),
  new RegExp(
    `^((?:/[^/]+)*)/${SLICE}\\.slice(?:/${SLICE}-${QOS}\\.slice)?/${SLICE}(?:-${QOS})?-pod${POD_UID}\\.slice/${RUNTIME}${CONTAINER_ID}\\.scope${END}`,
  ),
  new RegExp(`^((?:/[^/]+)*)/${SLICE}(?:-${QOS})?-pod${POD_UID}\\.slice:[a-z-]+:${CONTAINER_ID}${END}`),
];

/** systemd may delegate a service's subtree to its user (systemd.resource-control(5)); these services are root's. */
const RUNTIME_SERVICE = /^(?:[\w.-]*[.-])?(?:containerd|docker|cri-?o|kubelet|k3s|rke2|k0s)[\w.@-]*\.service$/;
/** systemd delegates this subtree to a user, who may name its cgroups like a pod's. */
const OF_A_USER = /\/(?:user@(?!0\.service)\d+\.service|user-(?!0\.slice)\d+\.slice)(?:\/|$)/m;

/**
 * Parses the pod and the container from `/proc/PID/cgroup`, version 1 or 2; `undefined` outside of pods, and
 * for cgroups that a user other than root could have made. The whole path counts, not a part of it.
 */
export function parsePodCgroup(cgroup: string): ContainerProcess | undefined {
  if (OF_A_USER.test(cgroup)) return undefined;
  for (const line of cgroup.split('\n')) {
    const path = /^\d+:[^:]*:(\/.*)$/.exec(line)?.[1];
    if (path === undefined) continue;
    for (const shape of SHAPES) {
      const [, above = '', uid, containerId] = shape.exec(path) ?? [];
      if (uid === undefined || containerId === undefined || !isOfRoot(above)) continue;
      return { podUid: uid.replaceAll('_', '-'), containerId };
    }
  }
  return undefined;
}

/** Whether a cgroup is that of a pod's container, for a selection of processes. */
export function isInPod(cgroup: string): boolean {
  return parsePodCgroup(cgroup) !== undefined;
}

function isOfRoot(above: string): boolean {
  return above.split('/').every((name) => !name.endsWith('.service') || RUNTIME_SERVICE.test(name));
}
