import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, createSshHost, hostPath, type SshHost } from '@kube-rescue/host';
import { plantTree, requireProgram, type RunningSshServer, startSshServer } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countCalls, countPhases, makeDeadNode, openCounted, planRecovery } from './bench/counted-node.ts';

const MAX_ROUND_TRIPS = 20;

describe.skipIf(!requireProgram('ssh', 'sshd'))('a recovery over a real SSH connection', () => {
  let server: RunningSshServer;
  let ssh: SshHost;
  let root: string;

  beforeAll(async () => {
    server = await startSshServer();
    root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-node-'));
    await plantTree(createLocalHost({ root: hostPath(root) }), await makeDeadNode());
    const { address, port } = server;
    const files = { identityFile: hostPath(server.identityFile), knownHostsFile: hostPath(server.knownHostsFile) };
    ssh = await createSshHost({ address, port, user: 'root', ...files });
  });
  afterAll(async () => {
    await ssh?.close();
    await server?.stop();
    await rm(root, { recursive: true, force: true });
  });

  it(`takes at most ${MAX_ROUND_TRIPS} round trips per phase`, async () => {
    const { host, calls } = countCalls(ssh, root);
    const counts = await countPhases(openCounted(host), calls);
    expect([...counts.keys()]).toContain('control-plane');
    const many = [...counts].filter(([, count]) => count > MAX_ROUND_TRIPS);
    expect(many, JSON.stringify(calls.map(({ what, path: file }) => `${what} ${file}`))).toEqual([]);
  });

  it('takes few more for a whole plan', async () => {
    const { host, calls } = countCalls(ssh, root);
    await planRecovery(openCounted(host));
    expect(calls.filter(({ what }) => what === 'readTree')).toHaveLength(1);
    expect(calls.length).toBeLessThanOrEqual(2 * MAX_ROUND_TRIPS);
  });
});
