import { hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, expectCode, type NodeTree } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { provideKubernetesBinaries } from './kubernetes-binaries.ts';
import { KUBERNETES_BINARIES, KUBERNETES_VERSION } from './kubernetes-version.ts';

const ASSETS = hostPath('/opt/assets');
const CACHE = hostPath('/root/.cache');
const CACHED = hostPath(`/root/.cache/kube-rescue/kubernetes/${KUBERNETES_VERSION}`);
const OTHER = { uid: 1000, gid: 1000 };

const binaries = (directory: string, odd: { readonly mode?: number; readonly owner?: typeof OTHER } = {}): NodeTree =>
  new Map(
    KUBERNETES_BINARIES.map((name, index) => [
      hostPath(`${directory}/${name}`),
      // The last one, so that checking the first is not enough.
      { kind: 'file', bytes: Buffer.from(name), mode: 0o755, ...(index === KUBERNETES_BINARIES.length - 1 ? odd : {}) },
    ]),
  );

async function provide(tree: NodeTree) {
  const ran: string[] = [];
  const progress: string[] = [];
  const host = createFakeHost({
    tree,
    exec: ([program = '']) => {
      ran.push(program);
      return { exitCode: 0, stdout: `${KUBERNETES_VERSION}\n`, stderr: '' };
    },
  });
  const deps = {
    host,
    clock: createFixedClock('2026-11-22T10:00:00Z'),
    onProgress: ({ message }: { message: string }) => progress.push(message),
  };
  const found = provideKubernetesBinaries({ assetsDirectory: ASSETS, cacheDirectory: CACHE }, deps);
  return { found, ran, progress };
}

describe('the binaries that root runs', () => {
  it('are the assets when only root can write them', async () => {
    const { found } = await provide(binaries(ASSETS));
    expect(await found).toEqual({ directory: ASSETS, source: 'assets' });
  });

  it.each([{ mode: 0o757 }, { mode: 0o775 }, { owner: OTHER }])(
    'are no assets that others can write: %o',
    async (odd) => {
      const { found, ran, progress } = await provide(new Map([...binaries(ASSETS, odd), ...binaries(CACHED)]));
      expect(await found).toEqual({ directory: CACHED, source: 'cache' });
      expect(ran.filter((program) => program.startsWith(ASSETS))).toEqual([]);
      expect(progress.join('\n')).toContain('is not trusted');
    },
  );

  it('are never those of a cache that another user owns', async () => {
    const { found, ran } = await provide(new Map([...binaries(CACHED, { owner: OTHER })]));
    const odd: NodeTree = new Map([
      [hostPath('/root/.cache/kube-rescue'), { kind: 'link', target: '/home/u', owner: OTHER }],
    ]);
    await expectCode((await provide(odd)).found, 'SOURCE_UNTRUSTED');
    await expect(found).rejects.toThrow();
    expect(ran.filter((program) => program.startsWith(CACHED))).toEqual([]);
  });
});
