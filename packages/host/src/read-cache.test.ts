import { createFakeHost, createFixedClock, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { type Host, HostError, type HostPath, hostPath } from './index.ts';
import { createReadCache, type ReadCache } from './read-cache.ts';

const FILE = hostPath('/etc/file');
const DIRECTORY = hostPath('/etc');

interface World {
  readonly cache: ReadCache;
  readonly clock: ReturnType<typeof createFixedClock>;
  /** The machine, for changes by another program. */
  readonly others: Host;
  readonly reads: string[];
}

function world(overrides: Partial<Host> = {}): World {
  const others = createFakeHost({
    tree: treeOf({ '/etc/file': 'old', '/proc/uptime': '1 1' }),
    services: { kubelet: 'running' },
    exec: () => ({ exitCode: 0, stdout: '', stderr: '' }),
  });
  const reads: string[] = [];
  const counted = <T>(name: string, read: (path: HostPath) => Promise<T>) => {
    return async (path: HostPath): Promise<T> => {
      reads.push(`${name} ${path}`);
      return read(path);
    };
  };
  const host: Host = {
    ...others,
    readFile: counted('readFile', others.readFile),
    stat: counted('stat', others.stat),
    list: counted('list', others.list),
    readLink: counted('readLink', others.readLink),
    ...overrides,
  };
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  return { cache: createReadCache({ host, clock }), clock, others, reads };
}

async function textOf(host: Pick<Host, 'readFile'>, path: HostPath = FILE): Promise<string | undefined> {
  const bytes = await host.readFile(path);
  return bytes && Buffer.from(bytes).toString();
}

const write = (host: Host, text: string): Promise<void> => host.writeFile(FILE, Buffer.from(text), { mode: 0o644 });

describe('between two changes of the machine', () => {
  it('each file, inode, link and directory is read once, also by readers at the same moment', async () => {
    const { cache, reads } = world();
    const readAll = () =>
      Promise.all([
        cache.host.readFile(FILE),
        cache.host.stat(FILE),
        cache.host.readLink(FILE),
        cache.host.list(DIRECTORY),
      ]);
    const [first, second] = await Promise.all([readAll(), readAll()]);
    expect(await readAll()).toEqual(first);
    expect(second).toEqual(first);
    expect(reads.toSorted()).toEqual(['list /etc', 'readFile /etc/file', 'readLink /etc/file', 'stat /etc/file']);
  });

  it('a missing file is remembered as missing', async () => {
    const { cache, others } = world();
    const path = hostPath('/etc/none');
    expect(await cache.host.readFile(path)).toBeUndefined();
    await others.writeFile(path, Buffer.from('new'), { mode: 0o644 });
    expect(await cache.host.readFile(path)).toBeUndefined();
    expect(await textOf(cache.machine, path)).toBe('new');
  });

  it('a failure is not remembered', async () => {
    let isBroken = true;
    const failure = new HostError({ code: 'HOST_IO', message: 'm', subject: 's', hint: 'h' });
    const { cache } = world({ readFile: async () => (isBroken ? Promise.reject(failure) : Buffer.from('well')) });
    await expect(cache.host.readFile(FILE)).rejects.toBe(failure);
    isBroken = false;
    expect(await textOf(cache.host)).toBe('well');
  });

  it('a reader that changes its bytes does not change those of others', async () => {
    const { cache } = world();
    (await cache.host.readFile(FILE))?.fill(0);
    expect(await textOf(cache.host)).toBe('old');
  });

  it('files over 1 MiB and those of the kernel are read each time', async () => {
    const { cache, others, reads } = world();
    await others.writeFile(FILE, new Uint8Array(1024 * 1024 + 1), { mode: 0o644 });
    const uptime = hostPath('/proc/uptime');
    for (const path of [FILE, FILE, uptime, uptime]) await cache.host.readFile(path);
    expect(reads).toHaveLength(4);
  });

  it('a derived value is made once', async () => {
    const { cache } = world();
    let made = 0;
    const make = async (): Promise<number> => (made += 1);
    expect([await cache.once('it', make), await cache.once('it', make)]).toEqual([1, 1]);
    cache.endSession();
    expect(await cache.once('it', make)).toBe(2);
  });

  it('requests are never remembered', async () => {
    let asked = 0;
    const { cache } = world({ request: async () => ({ status: (asked += 1), body: '' }) });
    const ask = () => cache.host.request({ url: 'http://127.0.0.1', timeoutMs: 1 });
    expect([(await ask()).status, (await ask()).status]).toEqual([1, 2]);
  });
});

/** Every event that ends a read session, besides time. */
const ENDS: Readonly<Record<string, (host: Host, cache: ReadCache) => Promise<unknown>>> = {
  writeFile: (host) => host.writeFile(hostPath('/etc/other'), Buffer.from('x'), { mode: 0o600 }),
  writeFileFrom: (host) => host.writeFileFrom(hostPath('/etc/other'), chunks(), { mode: 0o600 }),
  appendFile: (host) => host.appendFile(hostPath('/etc/other'), Buffer.from('x'), { mode: 0o600 }),
  writeLink: (host) => host.writeLink(hostPath('/etc/other'), 'file'),
  remove: (host) => host.remove(hostPath('/etc/other')),
  makeDirectory: (host) => host.makeDirectory(hostPath('/etc/directory'), { mode: 0o700 }),
  'a service action': (host) => host.services.act('restart', 'kubelet'),
  exec: (host) => host.exec(['true'], { timeoutMs: 1 }),
  acquireLock: (host) => host.acquireLock(hostPath('/run/lock'), 'a test'),
  'a sleep': (_host, cache) => cache.clock.sleep(1),
  endSession: async (_host, cache) => cache.endSession(),
  uncached: (_host, cache) => cache.uncached(async () => undefined),
};

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x');
}

describe('no stale bytes are served', () => {
  for (const [name, end] of Object.entries(ENDS)) {
    for (const through of ['machine', 'host'] as const) {
      it(`after ${name}, made through ${through}`, async () => {
        const { cache, others } = world();
        const before = [await textOf(cache.host), await cache.host.stat(FILE), await cache.host.list(DIRECTORY)];
        await write(others, 'changed');
        await others.writeFile(hostPath('/etc/third'), Buffer.from('x'), { mode: 0o644 });
        expect([await textOf(cache.host), await cache.host.stat(FILE), await cache.host.list(DIRECTORY)]).toEqual(
          before,
        );
        await end(cache[through], cache);
        expect(await textOf(cache.host)).toBe('changed');
        expect((await cache.host.stat(FILE))?.size).toBe(7);
        expect(await cache.host.list(DIRECTORY)).toContain('third');
      });
    }
  }

  it('after a change that failed, which may have been made all the same', async () => {
    const { cache, others } = world({ remove: () => Promise.reject(new Error('lost answer')) });
    await textOf(cache.host);
    await write(others, 'changed');
    await expect(cache.machine.remove(FILE)).rejects.toThrow('lost answer');
    expect(await textOf(cache.host)).toBe('changed');
  });

  it('after ten seconds, or when the clock was set back', async () => {
    for (const ms of [10_001, -1]) {
      const { cache, others, clock } = world();
      await textOf(cache.host);
      await write(others, 'changed');
      clock.advance(ms);
      expect(await textOf(cache.host)).toBe('changed');
    }
  });

  it('from a read that was in flight during a change', async () => {
    const late = Promise.withResolvers<Uint8Array>();
    let count = 0;
    const { cache } = world({
      readFile: async () => {
        count += 1;
        return count === 1 ? late.promise : Buffer.from('new');
      },
    });
    const early = textOf(cache.host);
    await write(cache.machine, 'new');
    late.resolve(Buffer.from('old'));
    await early;
    expect(await textOf(cache.host)).toBe('new');
  });

  it('within uncached, where each read goes to the machine', async () => {
    const { cache, others } = world();
    await textOf(cache.host);
    await cache.uncached(async () => {
      expect(await textOf(cache.host)).toBe('old');
      await write(others, 'changed');
      expect(await textOf(cache.host)).toBe('changed');
    });
  });
});
