import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { replying, startFakeApiServer } from '../../cluster-objects/src/fake-api-server.fixture.ts';

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8');

describe('the README', () => {
  it('has an example that runs as it stands', async () => {
    const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(await read('../README.md')) ?? [];
    const server = await startFakeApiServer();
    server.answer = replying(200, { items: [], metadata: {} });
    const folder = await mkdtemp(path.join(tmpdir(), 'kube-rescue-readme-'));
    try {
      const admin = server.pki.tree.get(hostPath('/etc/kubernetes/admin.conf'));
      if (admin?.kind !== 'file') throw new Error('there is no admin.conf');
      const kubeconfig = Buffer.from(admin.bytes)
        .toString()
        .replace(/server: .*/, `server: ${server.access.server}`);
      const file = path.join(folder, 'admin.conf');
      await writeFile(file, kubeconfig, { mode: 0o600 });
      const code = example.replace('/etc/kubernetes/admin.conf', file);
      const argv = ['--conditions=kube-rescue-source', '--input-type=module-typescript', '--eval', code];
      const cwd = fileURLToPath(new URL('..', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd });
      expect(stdout).toContain('kube-scheduler - false nothing here runs it as a pod\n');
      expect(stdout).toContain('missing: kube-controller-manager, kube-proxy, cluster-dns, kube-scheduler\n');
    } finally {
      await rm(folder, { recursive: true });
      await server.close();
    }
  });

  it('explains every code', async () => {
    const explained = [...(await read('../README.md')).matchAll(/^\| `(POD_\w+)` \|/gm)].map(([, code]) => code);
    const codes = [...(await read('errors.ts')).matchAll(/'(POD_\w+)'/g)].map(([, code]) => code);
    expect(explained).toEqual(codes);
  });
});
