import { createHash } from 'node:crypto';
import { type HostPath, hostPath } from '@kube-rescue/host';
import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { digestFiles, digestInputs } from './handed-in-files.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const path = (text: string): HostPath => hostPath(text);

describe('files handed in', () => {
  const host = createFakeHost({
    tree: treeOf({ '/set/ca.crt': 'ca', '/set/etcd/ca.key': 'key', '/keys.json': 'aws', '/plan.json': '{}' }),
  });

  it('are recorded by flag, path and digest, never by content', async () => {
    const flags = { certs: '/set', 'aws-credentials': '/keys.json', plan: '/plan.json', days: 30 };
    expect(await digestInputs(flags, {}, { host, path })).toEqual([
      { flag: '--certs', path: '/set', files: { 'ca.crt': digest('ca'), 'etcd/ca.key': digest('key') } },
      { flag: '--plan', path: '/plan.json', files: { '.': digest('{}') } },
      { flag: '--aws-credentials', path: '/keys.json', files: { '.': digest('aws') } },
    ]);
    const [cas] = await digestInputs({ cas: '/set' }, {}, { host, path });
    expect(cas).toMatchObject({ flag: '--cas', path: '/set', files: { 'ca.crt': digest('ca') } });
    const [argument] = await digestInputs({}, { directory: '/set' }, { host, path });
    expect(argument?.flag).toBe('directory');
  });

  it('do not include the standard input, nor what is not there', async () => {
    expect(await digestInputs({ 'aws-credentials': '-', certs: '/none' }, {}, { host, path })).toEqual([]);
    expect(await digestFiles(path('/none'), host)).toBeUndefined();
  });

  it('of any size are read in pieces, and links to files by their content', async () => {
    const large = Buffer.alloc(33 * 1024 * 1024, 7);
    await host.writeFile(path('/large'), large, { mode: 0o600 });
    expect(await digestFiles(path('/large'), host)).toEqual({ '.': createHash('sha256').update(large).digest('hex') });
    await host.makeDirectory(path('/links'), { mode: 0o700 });
    await host.writeLink(path('/links/ca.crt'), '/set/ca.crt');
    await host.writeLink(path('/links/loop'), '/links');
    await host.writeLink(path('/links/gone'), '/gone');
    expect(await digestFiles(path('/links'), host)).toEqual({ 'ca.crt': digest('ca') });
  });
});
