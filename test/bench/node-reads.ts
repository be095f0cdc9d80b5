import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, createSshHost, hostPath } from '@kube-rescue/host';
import { plantTree, startSshServer } from '@kube-rescue/testing';
import type { BenchResult, BenchRow } from './bench.ts';
import { type Call, countCalls, countPhases, makeDeadNode, openCounted, planRecovery } from './counted-node.ts';

const MAX_READS = 60;
const MAX_ROUND_TRIPS = 20;

/** How often a recovery reads the files of a kubeadm node that is down, on the node itself and over SSH. */
export async function run(): Promise<BenchResult> {
  const root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-bench-'));
  try {
    await plantTree(createLocalHost({ root: hostPath(root) }), await makeDeadNode());
    return { name: 'node-reads', rows: [...(await countLocally(root)), ...(await countOverSsh(root))] };
  } finally {
    await rm(root, { recursive: true });
  }
}

async function countLocally(root: string): Promise<readonly BenchRow[]> {
  const { host, calls } = countCalls(createLocalHost(), root);
  await planRecovery(openCounted(host));
  // The kernel changes its own files.
  const isFile = ({ what, path: file }: Call): boolean => what === 'readFile' && !file.startsWith('/proc/');
  const reads = calls.filter(isFile).map((call) => call.path);
  const files = new Set(reads).size;
  return [
    { ...rowOf('reads of one plan', reads.length), peerName: 'the bound', peer: MAX_READS },
    { ...rowOf('reads of one plan', reads.length), peerName: 'distinct files', peer: files },
  ];
}

async function countOverSsh(root: string): Promise<readonly BenchRow[]> {
  const server = await startSshServer();
  const { address, port } = server;
  const keys = { identityFile: hostPath(server.identityFile), knownHostsFile: hostPath(server.knownHostsFile) };
  const ssh = await createSshHost({ address, port, user: 'root', ...keys });
  try {
    const { host, calls } = countCalls(ssh, root);
    const counts = await countPhases(openCounted(host), calls);
    return [...counts].map(([phase, count]) => ({
      ...rowOf(`round trips of the phase ${phase}, over SSH`, count),
      peerName: 'the bound',
      peer: MAX_ROUND_TRIPS,
    }));
  } finally {
    await ssh.close();
    await server.stop();
  }
}

function rowOf(what: string, ours: number): Pick<BenchRow, 'what' | 'ours' | 'unit' | 'target'> {
  return { what, ours, unit: 'requests', target: 1 };
}
