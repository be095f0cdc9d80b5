import { hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, expectCode, type NodeTree } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { provideKubernetesBinaries } from './kubernetes-binaries.ts';
import { KUBERNETES_RELEASES, type KubernetesRelease, programsOf } from './kubernetes-release.ts';

const { '1.37': NEWEST, '1.20': OLDEST } = KUBERNETES_RELEASES;
const RELEASES: readonly KubernetesRelease[] = [NEWEST, OLDEST];
const ASSETS = hostPath('/opt/assets');
const CACHE = hostPath('/root/.cache');
const OTHER = { uid: 1000, gid: 1000 };

const cached = ({ version }: KubernetesRelease) => hostPath(`/root/.cache/kube-rescue/kubernetes/${version}`);

const binaries = (
  directory: string,
  release: KubernetesRelease,
  odd: { readonly mode?: number; readonly owner?: typeof OTHER } = {},
): NodeTree => {
  const names = programsOf(release);
  return new Map(
    names.map((name, index) => [
      hostPath(`${directory}/${name}`),
      // The last one, so that checking the first is not enough.
      { kind: 'file', bytes: Buffer.from(name), mode: 0o755, ...(index === names.length - 1 ? odd : {}) },
    ]),
  );
};

/** @param versions what programs answer, by path. Default: that of the release */
async function provide(tree: NodeTree, release: KubernetesRelease, versions: Readonly<Record<string, string>> = {}) {
  const ran: string[] = [];
  const progress: string[] = [];
  const host = createFakeHost({
    tree,
    exec: ([program = '']) => {
      ran.push(program);
      const isOfEtcd = /\/etcd\w*$/.test(program);
      const version = versions[program] ?? (isOfEtcd ? release.etcdVersion : release.version);
      return { exitCode: 0, stdout: `${version}\n`, stderr: '' };
    },
  });
  const deps = {
    host,
    clock: createFixedClock('2026-11-22T10:00:00Z'),
    onProgress: ({ message }: { message: string }) => progress.push(message),
  };
  const found = provideKubernetesBinaries({ release, assetsDirectory: ASSETS, cacheDirectory: CACHE }, deps);
  return { found, ran, progress };
}

describe.each(RELEASES)('the binaries of $version that root runs', (release) => {
  it('are the assets when only root can write them', async () => {
    const { found } = await provide(binaries(ASSETS, release), release);
    expect(await found).toEqual({ directory: ASSETS, source: 'assets' });
  });

  it.each([{ mode: 0o757 }, { mode: 0o775 }, { owner: OTHER }])(
    'are no assets that others can write: %o',
    async (odd) => {
      const tree = new Map([...binaries(ASSETS, release, odd), ...binaries(cached(release), release)]);
      const { found, ran, progress } = await provide(tree, release);
      expect(await found).toEqual({ directory: cached(release), source: 'cache' });
      expect(ran.filter((program) => program.startsWith(ASSETS))).toEqual([]);
      expect(progress.join('\n')).toContain('is not trusted');
    },
  );

  it('are no assets of another version, whichever program has it', async () => {
    const tree = new Map([...binaries(ASSETS, release), ...binaries(cached(release), release)]);
    const { found, progress } = await provide(tree, release, { [`${ASSETS}/kubelet`]: 'Kubernetes v1.36.3' });
    expect(await found).toEqual({ directory: cached(release), source: 'cache' });
    expect(progress.join('\n')).toContain(`kubelet is v1.36.3, not ${release.version}`);
  });

  it('are never those of a cache that another user owns', async () => {
    const { found, ran } = await provide(new Map([...binaries(cached(release), release, { owner: OTHER })]), release);
    const odd: NodeTree = new Map([
      [hostPath('/root/.cache/kube-rescue'), { kind: 'link', target: '/home/u', owner: OTHER }],
    ]);
    await expectCode((await provide(odd, release)).found, 'SOURCE_UNTRUSTED');
    await expect(found).rejects.toThrow();
    expect(ran.filter((program) => program.startsWith(cached(release)))).toEqual([]);
  });
});

describe('the assets of a release with its own etcd', () => {
  it('may have another patch release of etcd, but no other minor', async () => {
    const tree = binaries(ASSETS, NEWEST);
    const other = (version: string) => provide(tree, NEWEST, { [`${ASSETS}/etcd`]: `etcd Version: ${version}` });
    expect(await (await other('3.7.0')).found).toMatchObject({ source: 'assets' });
    const { found, progress } = await other('3.6.5');
    await expect(found).rejects.toThrow();
    expect(progress.join('\n')).toContain('etcd is v3.6.5, not v3.7.3');
  });
});
