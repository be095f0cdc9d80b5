import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { COREDNS_VERSION, METRICS_SERVER_VERSION } from './addon-binaries.ts';
import { moduleDefinition } from './go-module-build.ts';
import { KUBERNETES_RELEASES, type KubernetesRelease } from './kubernetes-release.ts';

const MODULES: readonly KubernetesRelease[] = Object.values(KUBERNETES_RELEASES).filter(({ go }) => go !== undefined);

type Definition = Parameters<typeof moduleDefinition>[0];

async function goMod(name: Definition): Promise<string> {
  return readFile(path.join(moduleDefinition(name), 'go.mod'), 'utf8');
}

/** The modules that a go.mod names and whose checksum its go.sum lacks. */
async function withoutSum(name: Definition): Promise<readonly string[]> {
  const sums = await readFile(path.join(moduleDefinition(name), 'go.sum'), 'utf8');
  const text = await goMod(name);
  const named = [...text.matchAll(/^(?:require |\t)(\S+) (v\S+)(?: \/\/ indirect)?$/gm)];
  const sumOf = (module = '', of = '') => sums.includes(`${module} ${of}/go.mod h1:`);
  const replaced = new Map([...text.matchAll(/(\S+) => \S+ (v\S+)$/gm)].map(([, module, of]) => [module, of]));
  return named.filter(([, module, of]) => !sumOf(module, replaced.get(module) ?? of)).map(([line]) => line);
}

describe.each(MODULES)('the Go modules of Kubernetes $version', ({ version, etcdVersion = '', go = '' }) => {
  it('are those of the release, and so is every staging module', async () => {
    const text = await goMod(`kubernetes-${version}`);
    expect(text).toContain(`require k8s.io/kubernetes ${version}\n`);
    const replaced = [...text.matchAll(/^\t(k8s\.io\/\S+) => (\S+) (\S+)$/gm)];
    expect(replaced.length).toBeGreaterThan(25);
    for (const [, name, by, at] of replaced) {
      expect(by).toBe(name);
      expect(at).toBe(version.replace('v1.', 'v0.'));
    }
  });

  it('are of one etcd', async () => {
    const required = [...(await goMod(`etcd-${etcdVersion}`)).matchAll(/^\tgo\.etcd\.io\/etcd\/\S+ (v\S+)/gm)];
    expect(required.length).toBeGreaterThanOrEqual(3);
    for (const [, at] of required) expect(at).toBe(etcdVersion);
  });

  it('are built with the Go that they ask for', async () => {
    const asked = await Promise.all([goMod(`kubernetes-${version}`), goMod(`etcd-${etcdVersion}`)]);
    const newest = asked.map((text) => Number(/^go 1\.(\d+)/m.exec(text)?.[1])).toSorted((a, b) => b - a)[0];
    expect(go).toBe(`1.${newest}`);
  });

  it('have the checksum of every module that they name', async () => {
    expect(await withoutSum(`kubernetes-${version}`)).toEqual([]);
    expect(await withoutSum(`etcd-${etcdVersion}`)).toEqual([]);
  });
});

describe('the Go modules of the addons', () => {
  it('are CoreDNS and metrics-server, with the checksum of every module that they name', async () => {
    const text = await goMod('addons');
    expect(text).toContain(`\tgithub.com/coredns/coredns ${COREDNS_VERSION}\n`);
    expect(text).toContain(`\tsigs.k8s.io/metrics-server ${METRICS_SERVER_VERSION}\n`);
    expect(await withoutSum('addons')).toEqual([]);
  });
});

it('every definition of a Go module belongs to a release, or is that of the addons', async () => {
  const used = MODULES.flatMap(({ version, etcdVersion }) => [`kubernetes-${version}`, `etcd-${etcdVersion}`]);
  expect(await readdir(path.dirname(moduleDefinition('addons')))).toEqual(['addons', ...used].toSorted());
});
