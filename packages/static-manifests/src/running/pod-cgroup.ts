/** The container of a process, by its cgroup. */
export interface ContainerProcess {
  /** With dashes, or 32 hexadecimal digits without for a static pod. */
  readonly podUid: string;
  /** 64 hexadecimal digits. */
  readonly containerId: string;
}

/**
 * A pod's UID is a hash of the manifest (32 digits) for static pods, else a UUID, in which systemd's slices write `_` for `-`.
 * Observed: `/kubepods/burstable/podUID/ID` (cgroupfs driver), `kubepods-burstable-podUID.slice/cri-containerd-ID.scope`
 * (systemd driver), `kubepods-burstable-podUID.slice:cri-containerd:ID` (different drivers), each below any cgroupRoot.
 */
const POD_CONTAINER =
  /[/-]pod([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:\.slice)?[/:](?:[^\n]*[^0-9a-f\n])?([0-9a-f]{64})\b/;

/** systemd delegates this subtree to a user, who may name its cgroups like a pod's (systemd.resource-control(5)). */
const DELEGATED_TO_USER = /\/user@(?!0\.service)\d+\.service\//;

/**
 * Parses the pod and the container from `/proc/PID/cgroup`, version 1 or 2; `undefined` outside of pods, and
 * for cgroups that a user other than root has made.
 */
export function parsePodCgroup(cgroup: string): ContainerProcess | undefined {
  if (DELEGATED_TO_USER.test(cgroup)) return undefined;
  const [, uid, containerId] = POD_CONTAINER.exec(cgroup) ?? [];
  return uid === undefined || containerId === undefined ? undefined : { podUid: uid.replaceAll('_', '-'), containerId };
}
