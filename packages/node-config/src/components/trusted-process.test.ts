import { describe, expect, it } from 'vitest';
import type { ProcessInfo } from '@kube-rescue/host';
import { isNodeService, whyUntrusted } from './trusted-process.ts';

const SERVICE: ProcessInfo = {
  pid: 7,
  argv: ['/usr/bin/kubelet'],
  uid: 0,
  effectiveUid: 0,
  program: { uid: 0, mode: 0o755 },
  startTicks: 1,
  cgroup: '0::/system.slice/kubelet.service\n',
};
const POD = '0123456789abcdef0123456789abcdef';

describe('a process is a service of the node', () => {
  it('when root runs it from a program of root', () => {
    expect(whyUntrusted(SERVICE)).toBeUndefined();
    expect(isNodeService(SERVICE)).toBe(true);
  });

  it.each([
    ['a session of root', { cgroup: '0::/user.slice/user-0.slice/session-3.scope\n' }],
    [
      'a container of docker, as RKE runs its kubelet',
      { cgroup: `0::/system.slice/docker-${'ab'.repeat(32)}.scope\n` },
    ],
    ['a machine without control groups', { cgroup: '' }],
    ['an adapter that knows less', { uid: undefined, effectiveUid: undefined, program: undefined }],
  ])('in %s as well', (_, parts) => expect(isNodeService({ ...SERVICE, ...parts })).toBe(true));

  it('only in the network of the node', () => {
    expect(isNodeService({ ...SERVICE, hasOtherNetwork: true })).toBe(false);
  });
});

describe('a process is not believed', () => {
  it.each<[string, Partial<ProcessInfo>, string]>([
    ['that another user runs', { uid: 65534, effectiveUid: 65534 }, 'user 65534 runs it'],
    ['of a set-user-ID program', { uid: 1000 }, 'user 1000 runs it'],
    ['that gave up root', { effectiveUid: 1000 }, 'user 1000 runs it'],
    [
      'that became root through sudo, whose name its caller chose',
      { program: { uid: 0, mode: 0o4755 } },
      'set-user-ID',
    ],
    ['of a set-group-ID program', { program: { uid: 0, mode: 0o2755 } }, 'set-user-ID'],
    ['from a program of another user', { program: { uid: 1000, mode: 0o755 } }, 'user 1000 owns its program'],
    ['from a program that others can write', { program: { uid: 0, mode: 0o757 } }, 'can write its program'],
    ['from a program that a group can write', { program: { uid: 0, mode: 0o775 } }, 'can write its program'],
    ['whose program is unreadable', { program: 'unreadable' }, 'its program is unreadable'],
    [
      'in the session of a user',
      { cgroup: '0::/user.slice/user-1000.slice/session-2.scope\n' },
      'session of user 1000',
    ],
    [
      'in a cgroup that a user made, with the name of a service',
      { cgroup: '0::/user.slice/user-1000.slice/user@1000.service/app.slice/kubelet.service\n' },
      'session of user 1000',
    ],
    [
      'in a pod, whose author chose its name',
      { cgroup: `0::/kubepods/pod${POD}/${'c0ffee00'.repeat(8)}\n` },
      'in a pod',
    ],
  ])('%s', (_, parts, reason) => {
    expect(whyUntrusted({ ...SERVICE, ...parts })).toContain(reason);
    expect(isNodeService({ ...SERVICE, ...parts })).toBe(false);
  });
});
