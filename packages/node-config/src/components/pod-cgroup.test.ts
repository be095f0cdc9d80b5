import { describe, expect, it } from 'vitest';
import { parsePodCgroup } from './pod-cgroup.ts';

const ID = 'c0ffee00'.repeat(8);
const HASH = '0123456789abcdef0123456789abcdef';
const UUID = '6d1c1d3a-5d0e-4c7b-9a53-0a1b2c3d4e5f';

describe('the pod of a process is read from its cgroup', () => {
  it.each([
    ['cgroupfs, version 1', `12:pids:/kubepods/burstable/pod${HASH}/${ID}\n0::/\n`, HASH],
    ['cgroupfs, guaranteed', `0::/kubepods/pod${UUID}/${ID}\n`, UUID],
    ['cgroupfs below a cgroupRoot', `4:memory:/lab/node-pod1/kubepods/burstable/pod${HASH}/${ID}\n`, HASH],
    [
      'systemd',
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${HASH}.slice/cri-containerd-${ID}.scope\n`,
      HASH,
    ],
    ['systemd, a UUID', `0::/kubepods.slice/kubepods-pod${UUID.replaceAll('-', '_')}.slice/crio-${ID}.scope\n`, UUID],
    ['systemd with docker', `0::/kubepods.slice/kubepods-besteffort-pod${HASH}.slice/docker-${ID}.scope`, HASH],
    [
      'drivers that disagree',
      `1:name=systemd:/system.slice/containerd.service/kubepods-burstable-pod${HASH}.slice:cri-containerd:${ID}\n`,
      HASH,
    ],
    ['a cgroup that the container has made', `0::/kubepods/burstable/pod${HASH}/${ID}/init.scope\n`, HASH],
    [
      'systemd below a cgroupRoot',
      `0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${HASH}.slice/cri-containerd-${ID}.scope\n`,
      HASH,
    ],
    ['a runtime that keeps pods below its service', `0::/system.slice/k3s.service/kubepods/pod${HASH}/${ID}\n`, HASH],
    ['a node in a container', `1:cpu:/docker/${'ab'.repeat(32)}/kubelet/kubepods/burstable/pod${HASH}/${ID}`, HASH],
  ])('%s', (_, cgroup, podUid) => expect(parsePodCgroup(cgroup)).toEqual({ podUid, containerId: ID }));

  it.each([
    ['a system service', '0::/system.slice/kubelet.service\n'],
    ['the pod itself, without a container', `0::/kubepods/burstable/pod${HASH}\n`],
    ['a container outside of pods', `0::/docker/${ID}\n`],
    [
      'a cgroup that a user created in its delegated subtree',
      `0::/user.slice/user-1000.slice/user@1000.service/pod${HASH}/${ID}\n`,
    ],
    [
      'a cgroup with the whole path of a pod below the slice of a user',
      `0::/user.slice/user-1000.slice/user@1000.service/kubepods.slice/kubepods-pod${HASH}.slice/crio-${ID}.scope\n`,
    ],
    ['a session of a user', `1:name=systemd:/user.slice/user-1000.slice/kubepods/pod${HASH}/${ID}\n`],
    ['a service whose subtree systemd gave to its user', `0::/system.slice/build.service/kubepods/pod${HASH}/${ID}\n`],
    ['a pod without the parent of all pods', `0::/build/pod${HASH}/${ID}\n`],
    ['a slice with the parent in another part of its name', `0::/x.slice/x-pod${HASH}.slice/crio-${ID}.scope\n`],
    ['a path in which the parent is elsewhere', `0::/kubepods/other/pod${HASH}/x/${ID}\n`],
    ['a container whose ID is longer', `0::/kubepods/pod${HASH}/${ID}00\n`],
    ['a line without a path', `kubepods/pod${HASH}/${ID}\n`],
    ['nothing', ''],
  ])('but not of %s', (_, cgroup) => expect(parsePodCgroup(cgroup)).toBeUndefined());
});
