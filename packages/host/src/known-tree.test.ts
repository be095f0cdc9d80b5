import { createFakeHost, createFixedClock, treeOf } from '@kube-rescue/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Host, type HostPath, hostPath } from './index.ts';
import { createReadCache, type ReadCache } from './read-cache.ts';

const NODE = hostPath('/etc/kubernetes');
const at = (name: string): HostPath => hostPath(`/etc/kubernetes/${name}`);

let machine: Host;
let single: HostPath[];
let cache: ReadCache;

beforeEach(async () => {
  machine = createFakeHost({
    tree: new Map([
      ...treeOf({ '/etc/kubernetes/pki/ca.crt': 'ca', '/etc/kubernetes/admin.conf': 'old', '/other/file': 'other' }),
    ]),
  });
  await machine.writeLink(at('current'), at('pki/ca.crt'));
  await machine.writeLink(at('relative'), 'pki/ca.crt');
  await machine.writeLink(at('upwards'), '../kubernetes/pki/ca.crt');
  await machine.writeLink(at('elsewhere'), '/other/file');
  await machine.writeLink(at('dangling'), at('pki/none'));
  single = [];
  const noted = <T>(read: (path: HostPath) => Promise<T>) => {
    return (path: HostPath): Promise<T> => {
      single.push(path);
      return read(path);
    };
  };
  const { readFile, stat, list, readLink } = machine;
  const reads = { readFile: noted(readFile), stat: noted(stat), list: noted(list), readLink: noted(readLink) };
  const host = { ...machine, ...reads, isRemote: true };
  cache = createReadCache({ host, clock: createFixedClock('2026-11-22T12:00:00Z') });
  await cache.prefetch([NODE, hostPath('/etc/default/kubelet'), hostPath('/run/none')]);
});

async function textOf(path: HostPath): Promise<string | undefined> {
  const bytes = await cache.host.readFile(path);
  return bytes && Buffer.from(bytes).toString();
}

describe('after a tree was read at once', () => {
  it('files, inodes, directories and links are known as the machine has them', async () => {
    for (const path of ['admin.conf', 'pki', 'pki/ca.crt', 'current', 'dangling'].map(at)) {
      expect(await cache.host.stat(path)).toEqual(await machine.stat(path));
      expect(await cache.host.readLink(path)).toEqual(await machine.readLink(path));
      expect(await cache.host.list(path)).toEqual(await machine.list(path));
    }
    for (const name of ['current', 'relative', 'pki/ca.crt']) expect(await textOf(at(name))).toBe('ca');
    expect(await textOf(at('dangling'))).toBeUndefined();
    expect(single).toEqual([]);
  });

  it('what a known directory does not name is known to be missing, and what is below it', async () => {
    for (const path of [at('none'), at('none/below'), hostPath('/etc/default/kubelet'), hostPath('/run/none/x')]) {
      expect(await cache.host.stat(path)).toBeUndefined();
      expect(await textOf(path)).toBeUndefined();
      expect(await cache.host.list(path)).toBeUndefined();
    }
    expect(single).toEqual([]);
  });

  it('everything else is read from the machine', async () => {
    expect(await textOf(at('elsewhere'))).toBe('other');
    expect(await textOf(at('upwards'))).toBe('ca');
    expect(await textOf(hostPath('/other/file'))).toBe('other');
    await expect(cache.host.readFile(NODE)).rejects.toMatchObject({ code: 'HOST_NOT_A_REGULAR_FILE' });
    expect(single).toEqual([at('elsewhere'), at('upwards'), hostPath('/other/file'), NODE]);
  });

  it('a change ends it', async () => {
    await machine.writeFile(at('admin.conf'), Buffer.from('new'), { mode: 0o600 });
    expect(await textOf(at('admin.conf'))).toBe('old');
    await cache.machine.remove(at('none'));
    expect(await textOf(at('admin.conf'))).toBe('new');
  });
});
