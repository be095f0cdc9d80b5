import { createLocalHost, hostPath, type HostPath, joinPath, systemClock } from '@kube-rescue/host';
import { expectCode, requireProgram } from '@kube-rescue/testing';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { provideKubernetesBinaries } from './kubernetes-binaries.ts';
import { type KubernetesRelease, programsOf } from './kubernetes-release.ts';
import { PUBLISHED, type ReleaseServer, startReleaseServer } from './release-server.fixture.ts';

/** No machine has it, so that nothing is built. */
const NO_GO = '99.1';

let server: ReleaseServer;
let cacheDirectory: HostPath;
let cached: HostPath;

beforeEach(async () => {
  server = await startReleaseServer();
  cacheDirectory = hostPath(await mkdtemp(path.join(tmpdir(), 'cache-')));
  cached = joinPath(cacheDirectory, 'kube-rescue', 'kubernetes', PUBLISHED.version);
});
afterEach(async () => {
  await server.close();
  await rm(cacheDirectory, { recursive: true });
});

/** Provides the binaries of the published release. Returns their source and the progress. */
async function provide(release: KubernetesRelease = PUBLISHED) {
  const progress: string[] = [];
  const onProgress = ({ message }: { readonly message: string }) => progress.push(message);
  const deps = { host: createLocalHost(), clock: systemClock, onProgress };
  const { directory, source } = await provideKubernetesBinaries(
    { release, cacheDirectory, releaseUrls: server.urls },
    deps,
  );
  expect(directory).toBe(cached);
  return { source, progress: progress.join('\n') };
}

const kubelet = (): Promise<string> => readFile(joinPath(cached, 'kubelet'), 'utf8');

describe.skipIf(!requireProgram('curl', 'dpkg'))('the cache of Kubernetes binaries', () => {
  it('is filled once, and nothing of the download is left', async () => {
    const first = await provide();
    expect(first.source).toBe('official-release');
    expect(first.progress).toContain('it is cached after a download (0.5 GB) or a build from Go modules');
    expect((await readdir(cached)).toSorted()).toEqual([...programsOf(PUBLISHED), 'SHA256SUMS'].toSorted());
    expect(await readdir(path.dirname(cached))).toEqual(expect.not.arrayContaining(['build']));
    server.requested.length = 0;
    expect(await provide()).toEqual({ source: 'cache', progress: '' });
    expect(server.requested).toEqual([]);
  });

  it('is replaced when a program is missing', async () => {
    await provide();
    await rm(joinPath(cached, 'kubelet'));
    const { source, progress } = await provide();
    expect(source).toBe('official-release');
    expect(progress).toContain('are unusable and are replaced: kubelet missing');
    expect(await kubelet()).toContain('kubelet v1.37');
  });

  it('is replaced when a program is truncated, although it still knows its version', async () => {
    await provide();
    const whole = await kubelet();
    await truncate(joinPath(cached, 'kubelet'), whole.length - 1);
    const { source, progress } = await provide();
    expect(source).toBe('official-release');
    expect(progress).toContain('are unusable and are replaced: kubelet: FAILED');
    expect(await kubelet()).toBe(whole);
  });

  it('is replaced when a program is empty', async () => {
    await provide();
    await truncate(joinPath(cached, 'kube-proxy'));
    const { source, progress } = await provide();
    expect(source).toBe('official-release');
    expect(progress).toContain('kube-proxy does not run');
  });

  it('is replaced when a program has another version', async () => {
    await provide();
    await writeFile(joinPath(cached, 'kube-scheduler'), '#!/bin/sh\necho v1.36.3\n');
    const { source, progress } = await provide();
    expect(source).toBe('official-release');
    expect(progress).toContain('kube-scheduler is v1.36.3, not v1.37.2');
  });

  it('of an earlier lab, without checksums, is used and gets them', async () => {
    await provide();
    await rm(joinPath(cached, 'SHA256SUMS'));
    expect((await provide()).source).toBe('cache');
    await truncate(joinPath(cached, 'kubelet'), (await kubelet()).length - 1);
    expect((await provide()).source).toBe('official-release');
  });

  it('stays empty when no source has the release, and every reason is named', async () => {
    server.published.delete(server.kubernetes('kubectl'));
    const error = await expectCode(provide({ ...PUBLISHED, go: NO_GO }), 'LAB_KUBERNETES_MISSING');
    expect(error.message).toMatch(/official-release: .*kubectl: .*404.*; go-modules: no Go 99\.1 or later/);
    expect(error.hint).toContain('install Go 99.1 or later in /usr/local/go');
    expect(await readdir(path.dirname(cached))).toEqual(['build.lock']);
  });

  it('stays empty when a program of the release is of another version', async () => {
    const program = Buffer.from('#!/bin/sh\necho v1.36.3\n');
    server.published.set(server.kubernetes('kubelet'), program);
    const sum = createHash('sha256').update(program).digest('hex');
    server.published.set(server.kubernetes('kubelet.sha256'), Buffer.from(`${sum}\n`));
    const error = await expectCode(provide({ ...PUBLISHED, go: NO_GO }), 'LAB_KUBERNETES_MISSING');
    expect(error.message).toContain('official-release: kubelet is v1.36.3, not v1.37.2');
  });
});
