import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireProgram, startEtcd, startLocalAws } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../apps/cli/src/cli-process.fixture.ts';
import { installAlone, packAll, type Tarball } from '../e2e/packages/tarballs.fixture.ts';
import { bundle, compileStrictly, FORMS, readExamples, runForm } from './import-forms.fixture.ts';

let directory = '';
let tarballs: readonly Tarball[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-imports-'));
  await mkdir(path.join(directory, 'packed'));
  tarballs = await packAll(path.join(directory, 'packed'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function install(name: string): Promise<string> {
  const project = path.join(directory, name);
  const tarball = tarballs.find(({ manifest }) => manifest.name === `@kube-rescue/${name}`);
  if (tarball === undefined) throw new Error(`${name} was not packed`);
  await installAlone(tarball, tarballs, project);
  return project;
}

const projects = new Map<string, Promise<string>>();
const installOnce = (name: string): Promise<string> => {
  const project = projects.get(name) ?? install(name);
  projects.set(name, project);
  return project;
};

const WITHOUT_YAML = [
  ...['cluster-objects', 'cni-bootstrap', 'errors', 'etcd-access/membership', 'etcd-access/restore'],
  ...['host', 'ingress-dns', 'pod-bootstrap', 'workflow'],
];

describe('a package installed alone', () => {
  it.skipIf(!requireProgram('etcd', 'etcdctl'))('opens etcd as its README says, in every form', async () => {
    const project = await installOnce('etcd-access');
    const [example = ''] = await readExamples(project, '@kube-rescue/etcd-access');
    expect(await compileStrictly(project, example)).toBe('');
    const etcd = await startEtcd();
    try {
      const pki = path.join(directory, 'pki');
      await mkdir(path.join(pki, 'etcd'), { recursive: true });
      await copyFile(`${etcd.directory}/ca.crt`, `${pki}/etcd/ca.crt`);
      for (const extension of ['crt', 'key']) {
        await copyFile(`${etcd.directory}/client.${extension}`, `${pki}/apiserver-etcd-client.${extension}`);
      }
      const replace = { '/etc/kubernetes/pki': pki, 'https://127.0.0.1:2379': etcd.endpoints[0] ?? '' };
      for (const form of FORMS) {
        const elsewhere = await mkdtemp(path.join(directory, 'elsewhere-'));
        expect(await runForm(project, form, { replace, elsewhere }), form).toContain('clientUrls');
      }
    } finally {
      await etcd.stop();
    }
  });

  it.skipIf(!requireProgram('knotd'))('judges AWS keys as its README says, in every form', async () => {
    const project = await installOnce('ingress-dns');
    const [example = ''] = await readExamples(project, '@kube-rescue/ingress-dns');
    expect(await compileStrictly(project, example)).toBe('');
    const aws = await startLocalAws();
    try {
      const { id } = await aws.addZone({ name: 'example.test' });
      const { accessKeyId, secretAccessKey } = aws.addKey();
      const env = {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_ENDPOINT_URL: aws.endpoint,
      };
      for (const form of FORMS) {
        const elsewhere = await mkdtemp(path.join(directory, 'elsewhere-'));
        const output = await runForm(project, form, { replace: {}, env, elsewhere });
        expect(output, form).toMatch(new RegExp(`^\\d{12} arn:aws:iam::.*\\n${id} example\\.test\\n$`));
      }
    } finally {
      await aws.stop();
    }
  });

  it('is one ESM file for esbuild without a banner, where it has no yaml among its dependencies (ADR 27)', async () => {
    const elsewhere = await mkdtemp(path.join(directory, 'elsewhere-'));
    for (const name of WITHOUT_YAML) {
      const [owner = ''] = name.split('/');
      const project = await installOnce(owner);
      const entry = path.join(project, 'bundled.mjs');
      await writeFile(
        entry,
        `import * as all from '@kube-rescue/${name}';\nconsole.log(Object.keys(all).length > 0);\n`,
      );
      const target = path.join(elsewhere, `${name.replace('/', '-')}.mjs`);
      await bundle(entry, target, '');
      expect((await runProgram(process.execPath, [target])).stdout, name).toBe('true\n');
    }
  });

  it('has declarations that hold without skipLibCheck, whatever is imported from it', async () => {
    for (const name of ['cluster-objects', 'host', 'node-config', 'static-manifests', 'workflow', 'x509']) {
      const project = await installOnce(name);
      const { manifest } = tarballs.find((each) => each.manifest.name === `@kube-rescue/${name}`) ?? {};
      const paths = Object.keys(manifest?.exports ?? {}).filter((each) => each !== './package.json');
      const code = paths.map(
        (each, index) => `import * as part${index} from '@kube-rescue/${name}${each.slice(1)}';\n`,
      );
      const used = paths.map((_, index) => `console.log(Object.keys(part${index}).length);\n`);
      expect(await compileStrictly(project, [...code, ...used].join('')), name).toBe('');
    }
  });
});
