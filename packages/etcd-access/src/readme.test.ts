import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requireProgram, startEtcd } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { ETCD_ERRORS } from './errors.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));

it.skipIf(!requireProgram('etcd', 'etcdctl'))(
  'the example of the README that searches for credentials runs',
  async () => {
    const examples = (await readFile(README, 'utf8')).matchAll(/^```ts\n(.*?)^```$/gms);
    const [, example = ''] = [...examples].find(([, code = '']) => code.includes('probeEtcd')) ?? [];
    // In the package's directory, for the resolution of packages.
    const directory = await mkdtemp(path.join(path.dirname(README), '.readme-'));
    const backups = await mkdtemp(path.join(tmpdir(), 'kube-rescue-readme-'));
    const etcd = await startEtcd();
    try {
      const file = path.join(directory, 'example.ts');
      await writeFile(file, example.replace('/root/etcd.db', `${backups}/etcd.db`));
      const env = {
        PATH: process.env['PATH'],
        ETCDCTL_ENDPOINTS: etcd.endpoints[0],
        ETCDCTL_CACERT: `${etcd.directory}/ca.crt`,
        ETCDCTL_CERT: `${etcd.directory}/client.crt`,
        ETCDCTL_KEY: `${etcd.directory}/client.key`,
      };
      const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=kube-rescue-source', file], {
        env,
      });
      expect(stdout).toMatch(
        /works https:[\s\S]*ETCDCTL_API=3 etcdctl --endpoints=[\s\S]*sha256[\s\S]*succeeded: true/,
      );
    } finally {
      await etcd.stop();
      await Promise.all([directory, backups].map((each) => rm(each, { recursive: true })));
    }
  },
);

it('the README explains every code', async () => {
  const explained = new Set((await readFile(README, 'utf8')).match(/(?<=^\| `)ETCD_\w+/gm));
  expect([...explained].toSorted()).toEqual(Object.keys(ETCD_ERRORS).toSorted());
});
