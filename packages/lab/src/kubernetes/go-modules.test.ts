import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { moduleDefinition } from './go-module-build.ts';
import { KUBERNETES_RELEASES, type KubernetesRelease } from './kubernetes-release.ts';

const MODULES: readonly KubernetesRelease[] = Object.values(KUBERNETES_RELEASES).filter(({ go }) => go !== undefined);

async function goMod(project: 'kubernetes' | 'etcd', version: string): Promise<string> {
  return readFile(path.join(moduleDefinition(project, version), 'go.mod'), 'utf8');
}

describe.each(MODULES)('the Go modules of Kubernetes $version', ({ version, etcdVersion = '', go = '' }) => {
  it('are those of the release, and so is every staging module', async () => {
    const text = await goMod('kubernetes', version);
    expect(text).toContain(`require k8s.io/kubernetes ${version}\n`);
    const replaced = [...text.matchAll(/^\t(k8s\.io\/\S+) => (\S+) (\S+)$/gm)];
    expect(replaced.length).toBeGreaterThan(25);
    for (const [, name, by, at] of replaced) {
      expect(by).toBe(name);
      expect(at).toBe(version.replace('v1.', 'v0.'));
    }
  });

  it('are of one etcd', async () => {
    const required = [...(await goMod('etcd', etcdVersion)).matchAll(/^\tgo\.etcd\.io\/etcd\/\S+ (v\S+)/gm)];
    expect(required.length).toBeGreaterThanOrEqual(3);
    for (const [, at] of required) expect(at).toBe(etcdVersion);
  });

  it('are built with the Go that they ask for', async () => {
    const asked = await Promise.all([goMod('kubernetes', version), goMod('etcd', etcdVersion)]);
    const newest = asked.map((text) => Number(/^go 1\.(\d+)/m.exec(text)?.[1])).toSorted((a, b) => b - a)[0];
    expect(go).toBe(`1.${newest}`);
  });

  it('have the checksum of every module that they name', async () => {
    for (const [project, at] of [
      ['kubernetes', version],
      ['etcd', etcdVersion],
    ] as const) {
      const sums = await readFile(path.join(moduleDefinition(project, at), 'go.sum'), 'utf8');
      const text = await goMod(project, at);
      const named = [...text.matchAll(/^(?:require |\t)(\S+) (v\S+)(?: \/\/ indirect)?$/gm)];
      const sumOf = (name = '', of = '') => sums.includes(`${name} ${of}/go.mod h1:`);
      const replaced = new Map([...text.matchAll(/(\S+) => \S+ (v\S+)$/gm)].map(([, name, of]) => [name, of]));
      const missing = named.filter(([, name, of]) => !sumOf(name, replaced.get(name) ?? of)).map(([line]) => line);
      expect(missing).toEqual([]);
    }
  });
});

it('every definition of a Go module belongs to a release', async () => {
  const used = MODULES.flatMap(({ version, etcdVersion }) => [`kubernetes-${version}`, `etcd-${etcdVersion}`]);
  expect(await readdir(path.dirname(moduleDefinition('etcd', 'v0')))).toEqual(used.toSorted());
});
