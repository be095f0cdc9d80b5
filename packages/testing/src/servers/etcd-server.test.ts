import { describe, expect, it } from 'vitest';
import { startEtcd } from './etcd-server.ts';
import { requireProgram } from './required-program.ts';

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('an etcd for a test', () => {
  it('serves three members with TLS and leaves no process', async () => {
    const etcd = await startEtcd({ members: 3 });
    await etcd.etcdctl('put', 'a', 'b');
    expect(await etcd.etcdctl('get', 'a', '--print-value-only')).toBe('b\n');
    await etcd.stop();
    await expect(etcd.etcdctl('get', 'a')).rejects.toThrow();
  });

  it('serves without TLS', async () => {
    const etcd = await startEtcd({ pki: false });
    await etcd.etcdctl('put', 'a', 'b');
    expect(etcd.endpoints).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)]);
    await etcd.stop();
  });
});
