import { describe, expect, it } from 'vitest';
import { labIdOfCgroup, parseNamespaceFiles, parseProcessNamespaces } from './lab-processes.ts';

describe('the processes of a lab', () => {
  it('are identified by their control group in any hierarchy', () => {
    const cgroup = '9:name=systemd:/\n8:pids:/kube-rescue-lab/0a1b2c/cp1/system\n';
    expect(labIdOfCgroup(cgroup)).toBe('0a1b2c');
  });

  it('are not those of a group with a similar name', () => {
    expect(labIdOfCgroup('8:pids:/kube-rescue-labs/0a1b2c\n7:cpu:/other/kube-rescue-lab/0a1b2c\n')).toBeUndefined();
  });

  it('are identified by the namespaces that they have entered', () => {
    const owners = parseNamespaceFiles(
      '4026532315 /var/lib/kube-rescue-lab/0a1b2c/cp1/namespaces/mnt\n4026532400 /run/netns/kube-rescue-ffffff-cp1\n',
    );
    const listing = '/proc/17/ns/mnt mnt:[4026532315]\n/proc/18/ns/net net:[4026532400]\n/proc/1/ns/net net:[1]\n';
    expect([...parseProcessNamespaces(listing, owners)]).toEqual([
      [17, '0a1b2c'],
      [18, 'ffffff'],
    ]);
  });
});
