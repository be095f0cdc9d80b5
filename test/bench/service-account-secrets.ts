import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { changeObjects, type KubernetesObject, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { buildPki } from '@kube-rescue/testing';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { type KubeApi, startKubeApi } from '../e2e/objects/kube-api.ts';
import type { BenchResult } from './bench.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const OURS = 10_000;
const PEERS = 500;
const TARGET_SECONDS = 15;
const TARGET_RATIO = 0.01;
const POLL_MS = 500;
const PEER_DEADLINE_MS = 10 * 60_000;
const { Secret, ServiceAccount } = RESOURCE_KINDS;

/** Replaces `ca.crt` in the Secrets of service accounts: ours in etcd, against kube-controller-manager's own refresh. */
export async function run(): Promise<BenchResult> {
  const deps = { host: createLocalHost(), clock: systemClock };
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  const [older, newer] = await Promise.all([caOf(), caOf()]);
  const ours = await measureOurs(directory, older, newer);
  const peer = await measurePeer(directory, older, newer);
  return {
    name: 'service-account-secrets',
    rows: [
      {
        what: `new ca.crt in ${OURS} service account Secrets`,
        peerName: `kube-controller-manager at its default QPS, measured on ${PEERS} and scaled`,
        ours,
        peer,
        unit: 's',
        target: TARGET_RATIO,
      },
      {
        what: `the same, in seconds`,
        peerName: 'the time limit',
        ours,
        peer: TARGET_SECONDS,
        unit: 's',
        target: 1,
      },
    ],
  };
}

async function measureOurs(binaries: string, older: string, newer: string): Promise<number> {
  const api = await startKubeApi(binaries);
  try {
    await plant(api.viaEtcd, OURS, older);
    const startedAt = performance.now();
    const { changed } = await changeObjects(api.viaEtcd, Secret, (secret) => withCa(secret, newer), {
      namespace: 'default',
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const found = await countWith(api.viaApi, newer);
    if (changed !== OURS || found !== OURS) throw new Error(`${changed} changed, the API server shows ${found}`);
    return seconds;
  } finally {
    await api.dispose();
  }
}

/** From the first refreshed Secret to the last, so that the start of the program does not count. */
async function measurePeer(binaries: string, older: string, newer: string): Promise<number> {
  const api = await startKubeApi(binaries);
  let manager: ChildProcess | undefined;
  try {
    await plant(api.viaEtcd, PEERS, older);
    manager = await startControllerManager(binaries, api, newer);
    const { first, at } = await waitForRefreshed(api, newer, 1);
    const { first: last, at: end } = await waitForRefreshed(api, newer, PEERS);
    return ((end - at) / 1000 / (last - first)) * OURS;
  } finally {
    await stop(manager);
    await api.dispose();
  }
}

async function waitForRefreshed(
  { viaEtcd }: KubeApi,
  ca: string,
  wanted: number,
): Promise<{ readonly first: number; readonly at: number }> {
  const startedAt = performance.now();
  for (;;) {
    const found = await countWith(viaEtcd, ca);
    if (found >= wanted) return { first: found, at: performance.now() };
    if (performance.now() - startedAt > PEER_DEADLINE_MS)
      throw new Error('kube-controller-manager does not refresh the Secrets');
    await systemClock.sleep(POLL_MS);
  }
}

/** Only the controller for service account tokens, with default settings. */
async function startControllerManager(binaries: string, { server }: KubeApi, ca: string): Promise<ChildProcess> {
  const directory = path.dirname(server.files.kubeconfig);
  const rootCa = path.join(directory, 'new-ca.crt');
  await writeFile(rootCa, ca);
  const program = path.join(binaries, 'kube-controller-manager');
  const words = [
    ...['--controllers=serviceaccount-token', '--leader-elect=false', '--port=0', '--secure-port=0'],
    ...[`--kubeconfig=${server.files.kubeconfig}`, `--root-ca-file=${rootCa}`],
    `--service-account-private-key-file=${server.files.serviceAccountKey}`,
  ];
  // The kernel kills it when this process ends.
  return spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words], { stdio: 'ignore' });
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Creates service accounts with their token Secrets, as kube-controller-manager does. */
async function plant(store: ObjectStore, count: number, ca: string): Promise<void> {
  const one = async (index: number): Promise<void> => {
    const account = `account-${index}`;
    const name = `${account}-token-abcde`;
    const { object } = await store.create(ServiceAccount, {
      ...objectOf('ServiceAccount', account),
      secrets: [{ name }],
    });
    const annotations = {
      'kubernetes.io/service-account.name': account,
      'kubernetes.io/service-account.uid': object.metadata.uid ?? '',
    };
    const data = { 'ca.crt': base64(ca), namespace: base64('default'), token: base64('x'.repeat(900)) };
    const secret = objectOf('Secret', name);
    const metadata = { ...secret.metadata, annotations };
    await store.create(Secret, { ...secret, metadata, type: 'kubernetes.io/service-account-token', data });
  };
  const workers = Array.from({ length: 32 }, async (_, worker) => {
    for (let index = worker; index < count; index += 32) await one(index);
  });
  await Promise.all(workers);
}

async function countWith(store: ObjectStore, ca: string): Promise<number> {
  let count = 0;
  for await (const { object } of store.list(Secret, { namespace: 'default' })) {
    if ((object.data as Record<string, string>)['ca.crt'] === base64(ca)) count += 1;
  }
  return count;
}

function withCa(secret: KubernetesObject, ca: string): KubernetesObject {
  return { ...secret, data: { ...(secret.data as object), 'ca.crt': base64(ca) } };
}

function objectOf(kind: string, name: string): KubernetesObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'default' } };
}

async function caOf(): Promise<string> {
  return (await buildPki({ algorithm: 'ecdsa' })).pairs.ca.certificate;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
