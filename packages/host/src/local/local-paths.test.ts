import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../host.ts';
import { hostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';

describe("a copy of a node's files", () => {
  let outside: string;
  let root: string;
  let host: Host;
  beforeEach(async () => {
    outside = await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'));
    root = path.join(outside, 'root');
    await mkdir(path.join(root, 'etc'), { recursive: true });
    await writeFile(path.join(root, 'etc/inside'), 'inside');
    await writeFile(path.join(outside, 'inside'), 'outside');
    host = createLocalHost({ root: hostPath(root) });
  });
  afterEach(() => rm(outside, { recursive: true }));

  const read = async (file: string): Promise<string | undefined> => {
    const bytes = await host.readFile(hostPath(file));
    return bytes && Buffer.from(bytes).toString();
  };

  it('takes absolute links from the root of the copy', async () => {
    await symlink('/etc/inside', path.join(root, 'etc/link'));
    expect(await read('/etc/link')).toBe('inside');
  });

  it.each(['..', '../..', '../../../../../../../../..', '/..'])(
    'does not climb out through a link to %s',
    async (up) => {
      await symlink(`${up}/inside`, path.join(root, 'etc/link'));
      await symlink(up, path.join(root, 'etc/directory'));
      expect(await read('/etc/link')).toBeUndefined();
      expect(await read('/etc/directory/inside')).toBeUndefined();
      expect(await read('/etc/directory/etc/inside')).toBe('inside');
    },
  );

  it('writes below the root, whatever the links on the way say', async () => {
    await symlink(outside, path.join(root, 'away'));
    await expect(host.writeFile(hostPath('/away/inside'), Buffer.from('x'), { mode: 0o600 })).rejects.toMatchObject({
      code: 'HOST_NOT_FOUND',
      subject: '/away/inside',
    });
    await host.makeDirectory(hostPath('/away'), { mode: 0o755 });
    await host.writeFile(hostPath('/away/inside'), Buffer.from('x'), { mode: 0o600 });
    await host.appendFile(hostPath('/away/inside'), Buffer.from('y'), { mode: 0o600 });
    expect(await readFile(path.join(outside, 'inside'), 'utf8')).toBe('outside');
    expect(await readFile(path.join(root, outside, 'inside'), 'utf8')).toBe('xy');
  });

  it('does not stage a file above the root', async () => {
    const write = host.writeFile(hostPath('/file'), Buffer.from('x'), { mode: 0o600, watched: true });
    await expect(write).rejects.toMatchObject({ code: 'HOST_STAGING_UNAVAILABLE' });
    expect(await readdir(outside)).toEqual(['inside', 'root']);
  });

  it('is no machine: it runs, serves and answers nothing', async () => {
    expect(host).toMatchObject({ kind: 'copy', name: root });
    expect(await host.processes()).toEqual([]);
    expect(await host.services.status('kubelet')).toBe('unknown');
    const attempts = [
      () => host.exec(['true'], { timeoutMs: 1000 }),
      () => host.request({ url: 'https://127.0.0.1:6443/readyz', timeoutMs: 1000 }),
      () => host.connect({ host: '127.0.0.1', port: 2379, timeoutMs: 1000 }),
      () => host.services.act('restart', 'kubelet'),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'HOST_UNSUPPORTED' });
  });

  it('with the root / it is the live machine', () => {
    expect(createLocalHost({ root: hostPath('/') }).kind).toBe('live');
  });
});
