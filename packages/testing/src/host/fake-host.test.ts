import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { expectCode } from '../laws/expect-code.ts';
import { createFakeHost } from './fake-host.ts';
import { treeOf } from '../node/node-tree.ts';

const file = hostPath('/etc/kubernetes/manifests/etcd.yaml');

describe('a machine in memory', () => {
  it('starts with the given files', async () => {
    const host = createFakeHost({ tree: treeOf({ [file]: 'kind: Pod\n' }) });
    expect(Buffer.from((await host.readFile(file)) ?? []).toString()).toBe('kind: Pod\n');
    expect(await host.stat(hostPath('/etc/kubernetes'))).toMatchObject({ kind: 'directory', mode: 0o755, uid: 0 });
    expect(host.mutations).toEqual([]);
  });

  it('records its mutations in order, without failed ones', async () => {
    const host = createFakeHost({ tree: treeOf({ [file]: '' }), services: { kubelet: 'running' } });
    await host.services.act('stop', 'kubelet');
    await host.remove(file);
    await host.makeDirectory(hostPath('/var/lib'), { mode: 0o755 });
    await host.appendFile(hostPath('/var/lib/journal'), Buffer.from('x'), { mode: 0o600 });
    await host.writeLink(hostPath('/var/lib/link'), 'journal');
    await expectCode(host.writeFile(hostPath('/none/x'), Buffer.from('x'), { mode: 0o600 }), 'HOST_NOT_FOUND');
    await host.services.act('restart', 'kubelet');
    expect(host.mutations.map(({ operation, target }) => `${operation} ${target}`)).toEqual([
      'service.stop kubelet',
      `remove ${file}`,
      'makeDirectory /var/lib',
      'appendFile /var/lib/journal',
      'writeLink /var/lib/link',
      'service.restart kubelet',
    ]);
    expect(await host.services.status('kubelet')).toBe('running');
  });

  it('returns copies of its bytes', async () => {
    const host = createFakeHost({ tree: treeOf({ [file]: 'old' }) });
    (await host.readFile(file))?.fill(0);
    expect(Buffer.from((await host.readFile(file)) ?? []).toString()).toBe('old');
  });

  it('answers requests, runs programs and lists processes as arranged by the test, and fails for others', async () => {
    const host = createFakeHost({
      exec: ([program]) => (program === 'crictl' ? { exitCode: 0, stdout: '[]', stderr: '' } : undefined),
      request: ({ url }) => (url.endsWith('/readyz') ? { status: 200, body: 'ok' } : undefined),
      processes: () => [{ pid: 7, argv: ['etcd'], startTicks: 1, cgroup: '' }],
    });
    expect((await host.exec(['crictl', 'ps'], { timeoutMs: 1 })).stdout).toBe('[]');
    expect((await host.request({ url: 'https://127.0.0.1:6443/readyz', timeoutMs: 1 })).body).toBe('ok');
    expect(await host.processes()).toHaveLength(1);
    await expectCode(host.exec(['docker'], { timeoutMs: 1 }), 'HOST_EXEC_NOT_FOUND');
    await expectCode(host.request({ url: 'https://127.0.0.1:2379/', timeoutMs: 1 }), 'HOST_CONNECTION_FAILED');
  });
});
