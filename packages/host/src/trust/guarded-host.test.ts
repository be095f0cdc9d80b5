import { createFakeHost, expectCode, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import type { Host } from '../host.ts';
import { hostPath } from '../host-path.ts';
import { guardHost, withInputs } from './guarded-host.ts';

const OPEN = hostPath('/srv/open');
const WITHIN = hostPath('/srv/open/file');
const STATE = hostPath('/var/lib/kube-rescue');

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x');
}

/** What others could have prepared, by the operation of the host that meets it. */
const OPERATIONS: Readonly<Record<string, (host: Host) => Promise<unknown>>> = {
  readFile: (host) => host.readFile(WITHIN),
  readRange: (host) => host.readRange(WITHIN, { offset: 0, length: 1 }),
  list: (host) => host.list(OPEN),
  assertWritable: (host) => host.assertWritable(OPEN),
  writeFile: (host) => host.writeFile(WITHIN, Buffer.from('new'), { mode: 0o600 }),
  writeFileFrom: (host) => host.writeFileFrom(WITHIN, chunks(), { mode: 0o600 }),
  appendFile: (host) => host.appendFile(WITHIN, Buffer.from('new'), { mode: 0o600 }),
  writeLink: (host) => host.writeLink(WITHIN, 'target'),
  remove: (host) => host.remove(WITHIN),
  makeDirectory: (host) => host.makeDirectory(hostPath('/srv/open/new'), { mode: 0o700 }),
  exec: (host) => host.exec([WITHIN], { timeoutMs: 1 }),
  acquireLock: (host) => host.acquireLock(WITHIN, 'a test'),
};

async function openHost(mode: number) {
  const host = createFakeHost({ exec: () => ({ exitCode: 0, stdout: '', stderr: '' }) });
  await host.makeDirectory(OPEN, { mode });
  await host.writeFile(WITHIN, Buffer.from('old'), { mode: 0o755 });
  return host;
}

describe('a guarded host', () => {
  it.each(Object.keys(OPERATIONS))('refuses %s where every user can write, and changes nothing', async (name) => {
    const host = await openHost(0o777);
    const before = host.mutations.length;
    const error = await expectCode(OPERATIONS[name]?.(guardHost(host)) ?? Promise.resolve(), 'SOURCE_UNTRUSTED');
    expect(error.message).toContain('mode 0777');
    expect(host.mutations).toHaveLength(before);
  });

  it.each(Object.keys(OPERATIONS))('allows %s where only root can', async (name) => {
    const host = await openHost(0o755);
    await expect(OPERATIONS[name]?.(guardHost(host))).resolves.not.toThrow();
  });

  it('removes a file only in a state that may be removed', async () => {
    const host = await openHost(0o755);
    await expectCode(guardHost(host).remove(WITHIN, { replaces: ['absent'] }), 'HOST_CHANGED');
    expect(await host.readFile(WITHIN)).toBeDefined();
  });

  it("takes a lock of root's in /run/lock, and none that another user has put there", async () => {
    const host = createFakeHost();
    await host.makeDirectory(hostPath('/run'), { mode: 0o755 });
    await host.makeDirectory(hostPath('/run/lock'), { mode: 0o1777 });
    const guarded = guardHost(host);
    await (await guarded.acquireLock(hostPath('/run/lock/new.lock'), 'a test')).release();
    await host.writeFile(hostPath('/run/lock/old.lock'), Buffer.from('x'), { mode: 0o600 });
    await (await guarded.acquireLock(hostPath('/run/lock/old.lock'), 'a test')).release();
    const owner = { uid: 1000, gid: 1000 };
    await host.writeFile(hostPath('/run/lock/theirs.lock'), Buffer.from('x'), { mode: 0o600, owner });
    await expectCode(guarded.acquireLock(hostPath('/run/lock/theirs.lock'), 'a test'), 'SOURCE_UNTRUSTED');
    await expectCode(guarded.readFile(hostPath('/run/lock/old.lock')), 'SOURCE_UNTRUSTED');
  });

  it('reads the logs and volumes of pods where other users can write, and writes none', async () => {
    const host = createFakeHost();
    for (const directory of ['/var/log/pods/a', '/var/lib/kubelet/pods/u/volumes/kubernetes.io~secret/s']) {
      await host.makeDirectory(hostPath(directory), { mode: 0o777 });
      const file = hostPath(`${directory}/f`);
      await host.writeFile(file, Buffer.from('x'), { mode: 0o644 });
      expect(await guardHost(host).readFile(file)).toBeDefined();
      expect(await guardHost(host).list(hostPath(directory))).toEqual(['f']);
      await expectCode(guardHost(host).writeFile(file, Buffer.from('y'), { mode: 0o600 }), 'SOURCE_UNTRUSTED');
    }
    await expectCode(guardHost(host).list(hostPath('/var/log/podsx')), 'SOURCE_UNTRUSTED');
  });

  it('reads below a directory with the sticky bit where that is allowed, again and again', async () => {
    const host = createFakeHost();
    await host.makeDirectory(hostPath('/tmp'), { mode: 0o1777 });
    await host.makeDirectory(hostPath('/tmp/own'), { mode: 0o700 });
    await host.writeFile(hostPath('/tmp/own/file'), Buffer.from('x'), { mode: 0o600 });
    const guarded = guardHost(host, { allowSticky: true });
    for (const _ of [1, 2, 3]) expect(await guarded.readFile(hostPath('/tmp/own/file'))).toBeDefined();
    await expectCode(guardHost(host).readFile(hostPath('/tmp/own/file')), 'SOURCE_UNTRUSTED');
  });

  it('reads what the operator has named for any owner, and nothing beside it', async () => {
    const host = createFakeHost({ tree: treeOf({ '/etc/own': 'x' }) });
    const owner = { uid: 1000, gid: 1000 };
    for (const path of ['/home/u/ca.crt', '/home/u/set/tls/ca.crt', '/home/u/setx', '/home/u/other']) {
      await host.makeDirectory(hostPath('/home/u/set/tls'), { mode: 0o755 });
      await host.writeFile(hostPath(path), Buffer.from('x'), { mode: 0o644, owner });
    }
    const reading = withInputs(guardHost(host), host, [hostPath('/home/u/ca.crt'), hostPath('/home/u/set')]);
    for (const path of ['/home/u/ca.crt', '/home/u/set/tls/ca.crt', '/etc/own']) {
      expect(await reading.readFile(hostPath(path)), path).toBeDefined();
    }
    for (const path of ['/home/u/setx', '/home/u/other']) {
      await expectCode(reading.readFile(hostPath(path)), 'SOURCE_UNTRUSTED');
    }
  });

  it('judges a file again after it was changed', async () => {
    const host = await openHost(0o755);
    const guarded = guardHost(host);
    await guarded.readFile(WITHIN);
    await host.writeFile(WITHIN, Buffer.from('other'), { mode: 0o644, owner: { uid: 1000, gid: 1000 } });
    await expectCode(guarded.readFile(WITHIN), 'SOURCE_UNTRUSTED');
  });

  it("reads the kernel's files, and none through a process", async () => {
    const host = createFakeHost({ tree: treeOf({ '/proc/uptime': '1', '/proc/7/cgroup': 'x', '/proc/net/tcp': 'y' }) });
    for (const path of ['/proc/uptime', '/proc/7/cgroup', '/proc/net/tcp']) {
      expect(await guardHost(host).readFile(hostPath(path))).toBeDefined();
    }
    await host.writeLink(hostPath('/proc/7/cwd'), '/srv');
    await expectCode(guardHost(host).list(hostPath('/proc/7/cwd')), 'SOURCE_UNTRUSTED');
  });

  it('accepts neither a link nor a service account for our own directory', async () => {
    const linked = createFakeHost({ tree: treeOf({ '/data/runs/x': '1' }) });
    await linked.makeDirectory(hostPath('/var/lib'), { mode: 0o755 });
    await linked.writeLink(STATE, '/data');
    await expectCode(guardHost(linked).list(hostPath(`${STATE}/runs`)), 'SOURCE_UNTRUSTED');

    const owner = { uid: 998, gid: 998 };
    const tree = treeOf({ '/etc/passwd': 'etcd:x:998:998::/:/sbin/nologin\n', '/etc/ssl/etcd/ca.pem': 'x' });
    const host = createFakeHost({ tree });
    const named: string[] = [];
    const guarded = guardHost(host, { onServiceAccount: ({ name }) => named.push(name) });
    for (const path of [hostPath('/etc/ssl/etcd/key.pem'), hostPath(`${STATE}/lock`)]) {
      await host.makeDirectory(STATE, { mode: 0o700 });
      await host.writeFile(path, Buffer.from('x'), { mode: 0o600, owner });
    }
    expect(await guarded.readFile(hostPath('/etc/ssl/etcd/key.pem'))).toBeDefined();
    expect(named).toEqual(['etcd']);
    const error = await expectCode(guarded.readFile(hostPath(`${STATE}/lock`)), 'SOURCE_UNTRUSTED');
    expect(error.hint).toContain(`mv ${STATE}/lock ${STATE}/lock.untrusted`);
  });
});
