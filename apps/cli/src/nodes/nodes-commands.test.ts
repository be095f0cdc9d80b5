import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { requireProgram, type RunningSshServer, startSshServer } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ended } from '../cli-process.fixture.ts';
import { type EtcdNode, startEtcdNode } from '../etcd/etcd-node.fixture.ts';

interface Envelope {
  readonly ok: boolean;
  readonly error?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly warnings: readonly string[];
}

const MASTER = 'node-role.kubernetes.io/master';
let node: EtcdNode;

async function run(...args: readonly string[]): Promise<Ended & { readonly envelope: Envelope }> {
  const ended = await node.run('nodes', ...args, '--json');
  return { ...ended, envelope: JSON.parse(ended.stdout) as Envelope };
}

async function plantNode(name: string, ready: string, reportedAt: string, labels = {}): Promise<void> {
  await node.create({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: {},
    status: {
      conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: reportedAt, lastTransitionTime: reportedAt }],
      addresses: [{ type: 'InternalIP', address: '192.0.2.7' }],
      nodeInfo: { kubeletVersion: 'v1.20.15' },
    },
  });
}

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0 && requireProgram('ssh', 'sshd'))(
  'nodes of a cluster without an API server',
  () => {
    let server: RunningSshServer;
    beforeAll(async () => {
      node = await startEtcdNode();
      server = await startSshServer();
      await plantNode('cp1', 'True', new Date().toISOString(), { [MASTER]: '' });
      await plantNode('node02', 'True', '2020-01-01T00:00:00Z');
    });
    afterAll(async () => {
      await server.stop();
      await node.remove();
    });

    it('are listed, with exit 3 when one does not report', async () => {
      const { exitCode, envelope } = await run('list');
      expect(exitCode).toBe(3);
      expect(envelope.result).toMatchObject({
        nodes: [{ name: 'cp1' }, { name: 'node02', isReadyNow: false, readiness: { status: 'True' } }],
      });
      const { stdout } = await node.run('nodes', 'list');
      expect(stdout).toMatch(/^node02 +stale +v1\.20\.15 +unknown +none$/m);
    });

    it('get the taint of their labels back, and a rollback removes it', async () => {
      const planned = await run('taint', 'cp1', '--dry-run');
      expect(planned.exitCode).toBe(3);
      expect((await run('taint', 'cp1', '--taint', 'x')).exitCode).toBe(2);
      const { exitCode, envelope } = await run('taint', 'cp1', '--label', 'zone=a', '--yes');
      expect({ exitCode, envelope }).toMatchObject({ exitCode: 0 });
      const taintsOf = async (): Promise<unknown> => {
        const { nodes } = (await run('list')).envelope.result as {
          readonly nodes: readonly { readonly taints: unknown }[];
        };
        return nodes[0]?.taints;
      };
      expect(await taintsOf()).toEqual([`${MASTER}:NoSchedule`]);
      expect((await run('taint', 'cp1', '--yes')).envelope.result).toMatchObject({ outcome: 'nothing-to-do' });
      const { stderr, exitCode: undone } = await node.run('rollback', String(envelope.result?.runId), '--yes');
      expect({ undone, stderr }).toMatchObject({ undone: 0 });
      expect(await taintsOf()).toEqual([]);
    });

    it('are not joined without files', async () => {
      const { exitCode, envelope } = await run('join', 'node02', '--yes');
      expect([exitCode, envelope.error?.code]).toEqual([2, 'USAGE']);
      expect(envelope.error?.hint).toContain('--file');
    });

    it('get a bundle with their files and one command', async () => {
      const file = path.join(node.root, 'new.conf');
      await writeFile(file, 'new');
      const bundles = path.join(node.root, 'bundles');
      const { exitCode, envelope } = await run(
        'join',
        '192.0.2.7',
        '--file',
        `/etc/kubelet.conf=${file}`,
        '--bundle',
        bundles,
      );
      // Two Nodes report this address, so it names neither.
      expect([exitCode, envelope.error?.code ?? envelope.result]).toMatchObject([
        0,
        { bundles: [{ node: '192.0.2.7' }] },
      ]);
      const named = await run('join', 'node02', '--file', `/etc/kubelet.conf=${file}`, '--bundle', bundles);
      expect(named.envelope.result).toMatchObject({ bundles: [{ node: 'node02', command: 'sh join.sh' }] });
      expect((await stat(path.join(bundles, 'node02'))).mode & 0o777).toBe(0o700);
      expect(await readFile(path.join(bundles, 'node02/join.sh'), 'utf8')).toContain("NODE='node02'");
    });

    it('exits 6, not 4, when the second bundle fails after the first was written', async () => {
      const file = path.join(node.root, 'new.conf');
      await writeFile(file, 'new');
      const bundles = path.join(node.root, 'two-bundles');
      await mkdir(path.join(bundles, 'node02'), { recursive: true });
      await writeFile(path.join(bundles, 'node02/mine'), 'not empty');
      const asked = ['--file', `/etc/kubelet.conf=${file}`, '--bundle', bundles];
      const { exitCode, envelope } = await run('join', '192.0.2.7', 'node02', ...asked);
      expect([exitCode, envelope.error?.code]).toEqual([6, 'LEFT_INCOMPLETE']);
      expect(envelope.error?.message).toContain(`${bundles}/192.0.2.7: the bundle directory is not empty`);
      const again = await run('join', 'node02', ...asked);
      expect([again.exitCode, again.envelope.error?.code]).toEqual([4, 'JOIN_FILE_INVALID']);
    });

    it('are skipped when they are unreachable, with exit 4', async () => {
      const file = path.join(node.root, 'new.conf');
      await writeFile(file, 'new');
      const { port, identityFile, knownHostsFile } = server;
      const ssh = ['--ssh-identity', identityFile, '--ssh-known-hosts', knownHostsFile, '--ssh-user', 'root'];
      const asked = ['--file', `/etc/kubelet.conf=${file}`, '--yes', ...ssh];
      const unreachable = await run('join', '127.0.0.1', ...asked, '--ssh-port', '1');
      expect([unreachable.exitCode, unreachable.envelope.error?.code]).toEqual([4, 'WORKFLOW_BLOCKED']);
      expect(unreachable.envelope.error?.message).toContain('127.0.0.1: cannot connect to the machine over SSH');
      const wrong = await run('join', '127.0.0.1', ...asked, '--ssh-port', String(port));
      expect(wrong.exitCode).toBe(4);
      expect(wrong.envelope.error?.message).toContain(`the host name of the machine is ${hostname()}, not 127.0.0.1`);
    });

    it('get their files over SSH, and are named when they do not report afterwards', async () => {
      // This machine is the worker: its host name, files in a separate directory, and a kubelet that never reports.
      const directory = path.join(node.root, 'worker');
      await mkdir(directory, { recursive: true });
      await writeFile(path.join(directory, 'kubeconfig'), 'old', { mode: 0o640 });
      const calls = path.join(directory, 'calls');
      const manager = path.join(directory, 'manager');
      await writeFile(manager, `#!/bin/sh\necho "$@" >> ${calls}\n`, { mode: 0o755 });
      const file = path.join(node.root, 'new.conf');
      await writeFile(file, '-----BEGIN PRIVATE KEY-----\nnew\n', { mode: 0o600 });
      await plantNode(hostname(), 'True', '2020-01-01T00:00:00Z');
      await writeFile(path.join(node.root, 'known_hosts'), execFileSync('sed', ['s/^\\S*/*/', server.knownHostsFile]));
      const { port, identityFile } = server;
      const ssh = [
        '--ssh-identity',
        identityFile,
        '--ssh-known-hosts',
        path.join(node.root, 'known_hosts'),
        '--ssh-port',
        String(port),
      ];
      const how = ['--ssh-service-command', manager, '--wait', '1', '--file', `${directory}/kubeconfig=${file}`];
      const { exitCode, stdout, stderr, envelope } = await run('join', `root@${hostname()}`, ...how, ...ssh, '--yes');
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 7 });
      expect(stdout + stderr).not.toContain('PRIVATE KEY');
      expect(envelope.error?.message).toContain('last reported 2020-01-01T00:00:00Z');
      expect(await readFile(path.join(directory, 'kubeconfig'), 'utf8')).toContain('new');
      expect(await readFile(calls, 'utf8')).toContain('restart kubelet\n');
      const undone = await node.run('rollback', String(envelope.error?.subject), '--yes', '--force');
      expect({ code: undone.exitCode, stderr: undone.stderr }).toMatchObject({ code: 0 });
      expect(await readFile(path.join(directory, 'kubeconfig'), 'utf8')).toBe('old');
      expect((await stat(path.join(directory, 'kubeconfig'))).mode & 0o777).toBe(0o640);
    });
  },
);
