import { hostPath } from '@kube-rescue/host';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { FakeApiServer } from './api/fake-api-server.fixture.ts';

/** Runs the example in a package's README against `server` as the administrator; returns its output. */
export async function runReadmeExample(packageDirectory: URL, server: FakeApiServer): Promise<string> {
  const readme = await readFile(new URL('README.md', packageDirectory), 'utf8');
  const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(readme) ?? [];
  const admin = server.pki.tree.get(hostPath('/etc/kubernetes/admin.conf'));
  if (admin?.kind !== 'file') throw new Error('no admin.conf');
  const kubeconfig = Buffer.from(admin.bytes)
    .toString()
    .replace(/server: .*/, `server: ${server.access.server}`);
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-readme-'));
  try {
    const file = path.join(directory, 'admin.conf');
    await writeFile(file, kubeconfig, { mode: 0o600 });
    const code = example.replace('/etc/kubernetes/admin.conf', file);
    const argv = ['--conditions=kube-rescue-source', '--input-type=module-typescript', '--eval', code];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: fileURLToPath(packageDirectory) });
    return stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}
