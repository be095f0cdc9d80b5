import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { buildPki } from '@kube-rescue/testing';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { startKubeApi } from '../e2e/objects/kube-api.ts';
import type { BenchResult, BenchRow } from './bench.ts';
import { type Cost, measure, medianOf } from './etcd-dataset.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const SECRETS = 10_000;
const ROUNDS = 3;
const CONCURRENCY = 32;
const PROGRAM = fileURLToPath(new URL('object-inventory-process.js', import.meta.url));

/** A process that finds and judges the certificates of a cluster with 10,000 TLS Secrets, start to finish. */
export async function run(): Promise<BenchResult> {
  const deps = { host: createLocalHost(), clock: systemClock };
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  const api = await startKubeApi(directory);
  try {
    await plant(api.viaEtcd);
    const kubectl = path.join(directory, 'kubectl');
    const peer = await repeat([
      ...[kubectl, `--kubeconfig=${api.server.files.kubeconfig}`, 'get', 'secrets', '--namespace', 'default'],
      ...['--output', 'json'],
    ]);
    const { endpoints, directory: etcdDirectory } = api.etcd;
    const viaEtcd = await repeat([
      process.execPath,
      PROGRAM,
      'etcd',
      endpoints[0] ?? '',
      etcdDirectory,
      String(SECRETS),
    ]);
    const viaApi = await repeat([process.execPath, PROGRAM, 'api', api.server.files.kubeconfig, '', String(SECRETS)]);
    const rows = (source: string, cost: Cost): readonly BenchRow[] => {
      const what = `certificates of ${SECRETS} TLS Secrets ${source}`;
      const peerName = 'kubectl get secrets -o json, which parses none of them';
      return [
        { what, peerName, ours: cost.seconds, peer: peer.seconds, unit: 's', target: undefined },
        {
          what: `peak memory`,
          peerName,
          ours: cost.mebibytes,
          peer: peer.mebibytes,
          unit: 'MiB',
          target: undefined,
        },
      ];
    };
    return { name: 'object-inventory', rows: [...rows('in etcd', viaEtcd), ...rows('through the API server', viaApi)] };
  } finally {
    await api.dispose();
  }
}

async function repeat(argv: readonly string[]): Promise<Cost> {
  const costs: Cost[] = [];
  for (let round = 0; round < ROUNDS; round += 1) costs.push(await measure(argv));
  return medianOf(costs);
}

async function plant(store: ObjectStore): Promise<void> {
  process.stderr.write(`planting ${SECRETS} Secrets\n`);
  const { pairs } = await buildPki();
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const leaves = [pairs.apiserver, pairs['etcd/server'], pairs['front-proxy-client']];
  const one = async (index: number): Promise<void> => {
    const leaf = leaves[index % leaves.length] ?? pairs.apiserver;
    const data = {
      'tls.crt': base64(leaf.certificate),
      'tls.key': base64(leaf.key),
      'ca.crt': base64(pairs.ca.certificate),
    };
    const metadata = { name: `tls-${index}`, namespace: 'default' };
    await store.create(RESOURCE_KINDS.Secret, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      type: 'kubernetes.io/tls',
      data,
    });
  };
  const workers = Array.from({ length: CONCURRENCY }, async (_, worker) => {
    for (let index = worker; index < SECRETS; index += CONCURRENCY) await one(index);
  });
  await Promise.all(workers);
}
