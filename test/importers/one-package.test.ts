import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, plantTree } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installAlone, packAll, ROOT } from '../e2e/packages/tarballs.fixture.ts';
import { compileStrictly, FORMS, measure, readExamples, runForm } from './import-forms.fixture.ts';

const NAME = '@kube-rescue/cert-rotation';
let directory = '';
let project = '';
let example = '';
let installed: Awaited<ReturnType<typeof measure>>;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-import-'));
  const packed = path.join(directory, 'packed');
  await mkdir(packed);
  const tarballs = await packAll(packed);
  const tarball = tarballs.find(({ manifest }) => manifest.name === NAME);
  if (tarball === undefined) throw new Error(`${NAME} was not packed`);
  project = path.join(directory, 'project');
  await installAlone(tarball, tarballs, project);
  installed = await measure(project);
  [example = ''] = await readExamples(project, NAME);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('npm install @kube-rescue/cert-rotation', () => {
  it('installs few packages, no client library of Kubernetes among them, and few bytes', async () => {
    expect(installed.packages).toBeLessThanOrEqual(15);
    expect(installed.bytes).toBeLessThanOrEqual(10e6);
    const readme = await readFile(path.join(ROOT, 'packages/cert-rotation/README.md'), 'utf8');
    const [, packages, megabytes] = /^(\d+) packages, (\d+) MB/m.exec(readme) ?? [];
    expect([installed.packages, Math.ceil(installed.bytes / 1e6)]).toEqual([Number(packages), Number(megabytes)]);
  });

  it('compiles the example of its README in strict mode, with every declaration checked', async () => {
    expect(example).toContain('renewCertificates');
    expect(await compileStrictly(project, example)).toBe('');
  });

  it.each(FORMS)('runs the example as %s', async (form) => {
    const root = path.join(directory, form.replace(' ', '-'), 'node');
    const elsewhere = path.join(directory, form.replace(' ', '-'), 'elsewhere');
    await Promise.all([mkdir(root, { recursive: true }), mkdir(elsewhere, { recursive: true })]);
    const { tree } = await buildPki({ algorithm: 'ecdsa', expired: ['apiserver'] });
    await plantTree(createLocalHost({ root: hostPath(root) }), tree);
    const output = await runForm(project, form, { replace: { "root = '/'": `root = '${root}'` }, elsewhere });
    expect(output).toMatch(/^not good \[\]\n[\s\S]*^apiserver problem [\s\S]*^kubelet-client ok /m);
    expect(output).toMatch(/\ndone \d{8}T\d{6}Z-[0-9a-f]{4} true\n$/);
  });
});
