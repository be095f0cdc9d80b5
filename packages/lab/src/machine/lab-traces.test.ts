import { describe, expect, it } from 'vitest';
import { parseLabMounts } from './lab-traces.ts';

describe('the mounts of labs', () => {
  it('are the mounts below the directory of the labs, each with its lab id', () => {
    const mountInfo = `22 1 254:0 / / rw - ext4 /dev/vda rw
90 22 254:0 /x /var/lib/kube-rescue-lab/0a1b2c/cp1/namespaces rw - ext4 /dev/vda rw
91 90 0:4 mnt:[4026532315] /var/lib/kube-rescue-lab/0a1b2c/cp1/namespaces/mnt rw - nsfs nsfs rw
92 22 254:0 /y /var/lib/kube-rescue-labels rw - ext4 /dev/vda rw
`;
    expect(parseLabMounts(mountInfo)).toEqual([
      { labId: '0a1b2c', kind: 'mount', what: '/var/lib/kube-rescue-lab/0a1b2c/cp1/namespaces' },
      { labId: '0a1b2c', kind: 'mount', what: '/var/lib/kube-rescue-lab/0a1b2c/cp1/namespaces/mnt' },
    ]);
  });
});
