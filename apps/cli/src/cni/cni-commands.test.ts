import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { requireProgram } from '@kube-rescue/testing';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  CNI_CONF,
  configMap,
  daemonSet,
  flannel,
  NODE,
  node as nodeObject,
} from '../../../../packages/cni-bootstrap/src/network/cluster.fixture.ts';
import { type EtcdNode, startEtcdNode } from '../etcd/etcd-node.fixture.ts';

/** Below the node's `/var/lib`, so that this machine's stays unchanged. */
const FOLDER = '/var/lib/net';
const SUBNET_FILE = `${FOLDER}/run/subnet.env`;
const CONFIGURATION_FILE = `${FOLDER}/net.d/10-flannel.conflist`;
/** Behaves as flannel's plugin: reads subnet.env, and finds no delegate plugin. */
const PLUGIN = `#!/bin/sh
grep -q FLANNEL_MTU ${SUBNET_FILE} && msg='failed to find plugin "kube-rescue-no-delegate" in path' || msg='subnet.env is missing FLANNEL_MTU'
printf '{"code":999,"msg":"%s"}' "$(printf %s "$msg" | sed 's/"/\\\\"/g')"
exit 1
`;

let node: EtcdNode;

const here = (file: string): string => path.join(node.root, file);
const put = (key: string, object: KubernetesObject): Promise<unknown> =>
  node.etcd.etcdctl('put', `/registry/${key}`, JSON.stringify(object));
const run = async (...words: readonly string[]) => {
  const { exitCode, stdout, stderr } = await node.run('cni', ...words, '--node', NODE, '--json');
  return { exitCode, stderr, document: JSON.parse(stdout) };
};

async function plantFlannel(): Promise<void> {
  await put(`minions/${NODE}`, nodeObject());
  await put('configmaps/kube-system/kube-flannel-cfg', configMap());
  const args = ['--ip-masq', '--kube-subnet-mgr', '--iface=lo'];
  const base = flannel({}, args) as unknown as { spec: { template: { spec: Record<string, readonly object[]> } } };
  const spec = base.spec.template.spec;
  const volumes = [
    { name: 'run', hostPath: { path: `${FOLDER}/run` } },
    { name: 'cni', hostPath: { path: `${FOLDER}/net.d` } },
    { name: 'cfg', configMap: { name: 'kube-flannel-cfg' } },
  ];
  await put('daemonsets/kube-system/kube-flannel', daemonSet('kube-flannel', { ...spec, volumes }));
}

// The node needs namespaces, which need root.
const canRun = process.getuid?.() === 0 && requireProgram('etcd', 'etcdctl', 'ip');

describe.runIf(canRun)('the network of a node without an API server', () => {
  beforeAll(async () => {
    node = await startEtcdNode();
    await mkdir(here('/etc/containerd'), { recursive: true });
    await writeFile(
      here('/etc/containerd/config.toml'),
      `version = 2\n[plugins."io.containerd.grpc.v1.cri".cni]\nconf_dir = "${FOLDER}/net.d"\nbin_dir = "${FOLDER}/bin"\n`,
    );
    await mkdir(here(`${FOLDER}/bin`), { recursive: true });
    for (const name of ['flannel', 'bridge', 'host-local', 'portmap']) {
      await writeFile(here(`${FOLDER}/bin/${name}`), PLUGIN, { mode: 0o755 });
    }
  }, 60_000);
  beforeEach(plantFlannel);
  afterAll(() => node.remove());

  it('is reported with each value and its source, and exit 3 while a file is missing', async () => {
    const { exitCode, document } = await run('check');
    expect({ exitCode, ok: document.ok }).toEqual({ exitCode: 3, ok: true });
    expect(document.result).toMatchObject({
      node: NODE,
      plugin: 'flannel',
      status: 'needed',
      files: [
        { path: SUBNET_FILE, state: 'missing' },
        { path: CONFIGURATION_FILE, state: 'missing' },
      ],
    });
    expect(document.result.evidence).toContain(`network configurations: ${FOLDER}/net.d (/etc/containerd/config.toml)`);
  });

  it('is printed in 80 columns', async () => {
    const { exitCode, stdout } = await node.run('cni', 'check', '--node', NODE);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^network plugin of cp1: flannel\nneeded: /);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('gets its files once, and a rollback removes them', async () => {
    const planned = await run('bootstrap', '--dry-run');
    expect([planned.exitCode, planned.document.result.changes]).toEqual([3, 2]);
    await expect(readFile(here(SUBNET_FILE))).rejects.toThrow('ENOENT');
    const done = await run('bootstrap', '--yes');
    expect({ ...done, document: done.document.error }).toMatchObject({ exitCode: 0, document: undefined });
    expect(await readFile(here(SUBNET_FILE), 'utf8')).toBe(
      'FLANNEL_NETWORK=10.2.0.0/16\nFLANNEL_SUBNET=10.2.3.1/24\nFLANNEL_MTU=65486\nFLANNEL_IPMASQ=true\n',
    );
    expect(await readFile(here(CONFIGURATION_FILE), 'utf8')).toBe(CNI_CONF);
    expect((await run('check')).exitCode).toBe(0);
    expect((await run('bootstrap', '--yes')).document.result.outcome).toBe('nothing-to-do');
    const back = await node.run('rollback', done.document.result.runId, '--yes');
    expect(back.exitCode).toBe(0);
    await expect(readFile(here(SUBNET_FILE))).rejects.toThrow('ENOENT');
  });

  it('is refused, with nothing written, while the node has no pod CIDR', async () => {
    await put(`minions/${NODE}`, nodeObject({}));
    const { exitCode, document } = await run('bootstrap', '--yes');
    expect([exitCode, document.error.code]).toEqual([4, 'WORKFLOW_BLOCKED']);
    expect(document.error.hint).toContain('--allocate-node-cidrs');
    const given = await run('bootstrap', '--pod-cidr', '10.2.9.0/24', '--dry-run');
    expect(given.document.result.plan.entries[0].finding.evidence).toContain(
      'pod CIDR of the node: 10.2.9.0/24 (--pod-cidr)',
    );
  });

  it('is named and not changed when no file can start it', async () => {
    await node.etcd.etcdctl('del', '/registry/daemonsets/kube-system/kube-flannel');
    await put('daemonsets/kube-system/calico-node', daemonSet('calico-node', { containers: [] }));
    const { exitCode, document } = await run('check');
    expect([exitCode, document.result.code]).toEqual([3, 'CNI_PLUGIN_NOT_BOOTSTRAPPABLE']);
    await node.etcd.etcdctl('del', '/registry/daemonsets/kube-system/calico-node');
    await rm(here(`${FOLDER}/net.d`), { recursive: true, force: true });
  });
});
