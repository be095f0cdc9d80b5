import { createLocalHost, type HostPath, hostPath, joinPath, systemClock } from '@kube-rescue/host';
import { requireProgram } from '@kube-rescue/testing';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ETCD_BINARIES, KUBERNETES_BINARIES, KUBERNETES_RELEASES } from './kubernetes-release.ts';
import { officialRelease } from './official-release.ts';
import { PUBLISHED, type ReleaseServer, startReleaseServer } from './release-server.fixture.ts';

const deps = { host: createLocalHost(), clock: systemClock };

let server: ReleaseServer;
let work: HostPath;

beforeEach(async () => {
  server = await startReleaseServer();
  work = hostPath(await mkdtemp(path.join(tmpdir(), 'download-')));
  await mkdir(joinPath(work, 'bin'));
});
afterEach(async () => {
  await server.close();
  await rm(work, { recursive: true });
});

/** The reason why the release cannot be used, or `undefined`. */
function obtain(urls = server.urls): Promise<string | undefined> {
  return officialRelease(PUBLISHED, urls, {}).obtain(work, () => undefined, deps);
}

describe.skipIf(!requireProgram('curl', 'dpkg'))('the official release', () => {
  it('is downloaded with its etcd, and its programs are executable', async () => {
    expect(await obtain()).toBeUndefined();
    const bin = joinPath(work, 'bin');
    const names = await readdir(bin);
    expect(names.toSorted()).toEqual([...KUBERNETES_BINARIES, ...ETCD_BINARIES].toSorted());
    for (const name of names) {
      expect(await readFile(joinPath(bin, name), 'utf8')).toContain(`echo ${name} v`);
      expect((await stat(joinPath(bin, name))).mode & 0o777).toBe(0o755);
    }
  });

  it('is refused when a program has another SHA-256 than the published one', async () => {
    server.published.set(server.kubernetes('kubelet'), Buffer.from('something else'));
    expect(await obtain()).toContain('kubelet is refused: its SHA-256 is');
  });

  it('is refused when etcd has another SHA-256 than the published one', async () => {
    server.published.set(server.etcd('SHA256SUMS'), Buffer.from(`${'a'.repeat(64)}  ${server.archive}\n`));
    expect(await obtain()).toContain('is refused: its SHA-256 is');
    expect(await readdir(joinPath(work, 'bin'))).not.toContain('etcd');
  });

  it('is refused without a published SHA-256', async () => {
    server.published.set(server.kubernetes('kubectl.sha256'), Buffer.from('<html>not found</html>'));
    expect(await obtain()).toBe('no SHA-256 is published for kubectl');
  });

  it('is not used when a body ends early', async () => {
    server.truncated.add(server.kubernetes('kubeadm'));
    expect(await obtain()).toMatch(/kubeadm: curl: \(18\)/);
  });

  it('is not used when the server does not have it', async () => {
    const other = officialRelease(KUBERNETES_RELEASES['1.20'], server.urls, {});
    expect(await other.obtain(work, () => undefined, deps)).toMatch(/v1\.20\.2.*: curl: \(22\) .*404/);
  });

  it('is not used when no server answers, which is known soon', async () => {
    await server.close();
    const begun = Date.now();
    expect(await obtain()).toMatch(/curl: \(7\)/);
    expect(Date.now() - begun).toBeLessThan(20_000);
  });
});
