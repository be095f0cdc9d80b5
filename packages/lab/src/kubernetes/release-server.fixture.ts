import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ETCD_BINARIES, KUBERNETES_BINARIES, KUBERNETES_RELEASES } from './kubernetes-release.ts';
import type { ReleaseUrls } from './official-release.ts';

/** The release that the server has. */
export const PUBLISHED = KUBERNETES_RELEASES['1.37'];

export interface ReleaseServer {
  readonly urls: ReleaseUrls;
  /** What it sends, by path. */
  readonly published: Map<string, Buffer>;
  /** Paths of which it sends only half before it closes the connection. */
  readonly truncated: Set<string>;
  /** The requested paths. */
  readonly requested: string[];
  /** The path of a program of Kubernetes. */
  readonly kubernetes: (name: string) => string;
  /** The path of a file of etcd's release. */
  readonly etcd: (name: string) => string;
  /** The name of etcd's archive. */
  readonly archive: string;
  close(): Promise<void>;
}

/** Publishes programs that only know their version, in the layout of dl.k8s.io and of etcd's project. */
export async function startReleaseServer(): Promise<ReleaseServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'release-'));
  const { version, etcdVersion } = PUBLISHED;
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const kubernetes = (name: string): string => `/kubernetes/${version}/bin/linux/${architecture}/${name}`;
  const etcd = (name: string): string => `/etcd/${etcdVersion}/${name}`;
  const inside = `etcd-${etcdVersion}-linux-${architecture}`;
  const archive = `${inside}.tar.gz`;

  const published = new Map<string, Buffer>();
  for (const name of KUBERNETES_BINARIES) {
    const program = script(`${name} ${version}`);
    published.set(kubernetes(name), program);
    published.set(kubernetes(`${name}.sha256`), Buffer.from(sha256(program)));
  }
  await mkdir(path.join(directory, inside));
  for (const name of [...ETCD_BINARIES, 'README.md']) {
    await writeFile(path.join(directory, inside, name), script(`${name} ${etcdVersion}`), { mode: 0o755 });
  }
  const packed = execFileSync('tar', ['--create', '--gzip', '--directory', directory, inside]);
  await rm(directory, { recursive: true });
  published.set(etcd(archive), packed);
  published.set(etcd('SHA256SUMS'), Buffer.from(`${'0'.repeat(64)}  other.tar.gz\n${sha256(packed)}  ${archive}\n`));

  const truncated = new Set<string>();
  const requested: string[] = [];
  const server = createServer(({ url = '' }, answer) => {
    requested.push(url);
    const body = published.get(url);
    if (body === undefined) return answer.writeHead(404).end();
    answer.writeHead(200, { 'content-length': body.length });
    if (!truncated.has(url)) return answer.end(body);
    return answer.write(body.subarray(0, body.length / 2), () => answer.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ published, truncated, requested, kubernetes, etcd, archive },
    urls: { kubernetes: `${base}/kubernetes`, etcd: `${base}/etcd` },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function script(words: string): Buffer {
  return Buffer.from(`#!/bin/sh\necho ${words}\n`);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
