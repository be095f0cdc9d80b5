import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { replying, startFakeApiServer } from './fake-api-server.fixture.ts';

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8');

describe('the README', () => {
  it('has an example that runs as it stands', async () => {
    const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(await read('../README.md')) ?? [];
    const server = await startFakeApiServer();
    const folder = await mkdtemp(path.join(tmpdir(), 'kube-rescue-readme-'));
    try {
      const admin = server.pki.tree.get(hostPath('/etc/kubernetes/admin.conf'));
      if (admin?.kind !== 'file') throw new Error('there is no admin.conf');
      const kubeconfig = Buffer.from(admin.bytes)
        .toString()
        .replace(/server: .*/, `server: ${server.access.server}`);
      const file = path.join(folder, 'admin.conf');
      await writeFile(file, kubeconfig, { mode: 0o600 });
      const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node01', resourceVersion: '7' } };
      server.answer = (request, response) => {
        const isList = request.url?.includes('secrets') === true;
        const list = { items: [{ metadata: { name: 'kube-apiserver', resourceVersion: '3' } }], metadata: {} };
        replying(200, isList ? list : node)(request, response);
      };
      const code = example.replace('/etc/kubernetes/admin.conf', file);
      const argv = ['--conditions=kube-rescue-source', '--input-type=module-typescript', '--eval', code];
      const cwd = fileURLToPath(new URL('..', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd });
      expect(stdout).toBe('kube-apiserver\nchanged in revision 7\n');
      const put = server.requests.find(({ line }) => line === 'PUT /api/v1/nodes/node01');
      expect(JSON.parse(put?.body ?? '{}')).toMatchObject({ spec: { unschedulable: true } });
    } finally {
      await rm(folder, { recursive: true });
      await server.close();
    }
  });

  it('explains every code', async () => {
    const explained = [...(await read('../README.md')).matchAll(/^\| `(OBJECT_\w+)` \|/gm)].map(([, code]) => code);
    const codes = [...(await read('errors.ts')).matchAll(/'(OBJECT_\w+)'/g)].map(([, code]) => code);
    expect(explained).toEqual(codes);
  });
});
