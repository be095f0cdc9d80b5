import { hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { COREDNS_VERSION, METRICS_SERVER_VERSION, provideAddonBinaries } from './addon-binaries.ts';

const CACHE = hostPath('/root/.cache');
const CACHED = `${CACHE}/kube-rescue/addons/coredns-${COREDNS_VERSION}_metrics-server-${METRICS_SERVER_VERSION}`;
const ANSWERS: Readonly<Record<string, string>> = {
  coredns: `CoreDNS-${COREDNS_VERSION.slice(1)}\nlinux/amd64, go1.26.8, \n`,
  'metrics-server': `${METRICS_SERVER_VERSION}\n`,
};

/** Provides the addons from a cache with both programs, on a machine without Go. */
function provide(answers: Readonly<Record<string, string>> = {}) {
  const progress: string[] = [];
  const host = createFakeHost({
    freeBytes: 10e9,
    tree: new Map(
      Object.keys(ANSWERS).map((name) => [
        hostPath(`${CACHED}/${name}`),
        { kind: 'file', bytes: Buffer.from(name), mode: 0o755 },
      ]),
    ),
    exec: ([program = '']) => {
      const name = program.slice(program.lastIndexOf('/') + 1);
      return { exitCode: 0, stdout: answers[name] ?? ANSWERS[name] ?? '', stderr: '' };
    },
  });
  const onProgress = ({ message }: { readonly message: string }): unknown => progress.push(message);
  const deps = { host, clock: createFixedClock('2026-11-29T10:00:00Z'), onProgress };
  return { found: provideAddonBinaries({ cacheDirectory: CACHE }, deps), progress };
}

describe('the programs of the addons', () => {
  it('are those of the cache when each reports its version', async () => {
    const { found, progress } = provide();
    expect(await found).toBe(CACHED);
    expect(progress).toEqual([]);
  });

  it('are replaced when one has another version; without Go the error says what to install', async () => {
    const { found, progress } = provide({ coredns: 'CoreDNS-1.14.6\n' });
    const error = await expectCode(found, 'LAB_KUBERNETES_MISSING');
    expect(progress.join('\n')).toContain('are unusable and are replaced: coredns is v1.14.6, not v1.15.0');
    expect(error.hint).toContain('install Go 1.26 or later');
    expect(error.hint).toContain('rehearse a scenario that needs no addons');
  });
});
