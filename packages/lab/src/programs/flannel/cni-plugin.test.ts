import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderFlannelPlugin } from '../images.ts';

const SUBNET_ENV = 'FLANNEL_NETWORK=10.2.0.0/16\nFLANNEL_SUBNET=10.2.3.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n';

describe("flannel's CNI plugin", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flannel-'));
    await writeFile(path.join(directory, 'flannel'), renderFlannelPlugin(process.execPath));
    await chmod(path.join(directory, 'flannel'), 0o755);
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** Runs the plugin as a container runtime does, in the network namespace `node`. */
  function run(command: string, { node, container = 'none' }: { node?: string; container?: string } = {}) {
    const config = {
      cniVersion: '0.3.1',
      name: 'cbr0',
      type: 'flannel',
      subnetFile: path.join(directory, 'subnet.env'),
      dataDir: path.join(directory, 'data'),
      ipam: { dataDir: path.join(directory, 'leases') },
      delegate: { hairpinMode: true, isDefaultGateway: true },
    };
    const enter = node === undefined ? [] : ['nsenter', `--net=/run/netns/${node}`];
    const [program, ...args] = [...enter, path.join(directory, 'flannel')];
    const result = spawnSync(program, args, {
      input: JSON.stringify(config),
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        CNI_COMMAND: command,
        CNI_CONTAINERID: 'c1',
        CNI_NETNS: `/run/netns/${container}`,
        CNI_IFNAME: 'eth0',
        CNI_PATH: directory,
      },
    });
    return {
      status: result.status,
      stderr: result.stderr,
      answer: result.stdout === '' ? undefined : JSON.parse(result.stdout),
    };
  }

  it('rejects a pod without subnet.env', () => {
    const { status, answer } = run('ADD');
    expect(status).toBe(1);
    expect(answer.msg).toBe(
      `failed to load flannel 'subnet.env' file: open ${directory}/subnet.env: no such file or directory. Check the flannel pod log for this node.`,
    );
  });

  it('rejects a pod while subnet.env is incomplete', async () => {
    await writeFile(path.join(directory, 'subnet.env'), 'FLANNEL_NETWORK=10.2.0.0/16\n');
    expect(run('ADD').answer.msg).toContain(
      `failed to load flannel 'subnet.env' file: ${directory}/subnet.env is missing FLANNEL_SUBNET, FLANNEL_MTU, FLANNEL_IPMASQ`,
    );
  });

  it('accepts DEL for a pod that it never set up', () => {
    expect(run('DEL')).toMatchObject({ status: 0 });
  });

  it('reports its versions, answers CHECK and rejects unknown commands', () => {
    expect(run('VERSION').answer.supportedVersions).toContain('0.3.1');
    expect(run('CHECK')).toMatchObject({ status: 0, answer: undefined });
    expect(run('GC')).toMatchObject({ status: 1, answer: { msg: 'unknown CNI_COMMAND: GC' } });
  });

  describe.skipIf(process.getuid?.() !== 0 || !existsSync('/usr/lib/cni/bridge'))('with a real network', () => {
    const id = randomBytes(3).toString('hex');
    const [node, container] = [`n-${id}`, `c-${id}`];
    beforeEach(() => {
      for (const name of [node, container]) execFileSync('ip', ['netns', 'add', name]);
    });
    afterEach(() => {
      for (const name of [node, container]) execFileSync('ip', ['netns', 'delete', name]);
    });
    const inside = (name: string, ...words: string[]): string =>
      execFileSync('ip', ['-netns', name, ...words], { encoding: 'utf8' });

    it('gives a pod an address of the subnet and the MTU, and removes them', async () => {
      await writeFile(path.join(directory, 'subnet.env'), SUBNET_ENV);
      const { status, answer, stderr } = run('ADD', { node, container });
      expect([status, stderr]).toEqual([0, '']);
      expect(answer.ips[0]).toMatchObject({ address: '10.2.3.2/24', gateway: '10.2.3.1' });
      expect(inside(container, 'address', 'show', 'eth0')).toMatch(/mtu 1450[\s\S]*inet 10\.2\.3\.2\/24/);
      expect(inside(node, 'address', 'show', 'cni0')).toContain('inet 10.2.3.1/24');
      expect(inside(container, 'route')).toContain('10.2.0.0/16 via 10.2.3.1');
      expect(await readdir(path.join(directory, 'data'))).toEqual(['c1']);

      // After a reboot, with an empty tmpfs, DEL still removes the pod's network.
      await rm(path.join(directory, 'subnet.env'));
      expect(run('DEL', { node, container }).status).toBe(0);
      expect(inside(container, 'address')).not.toContain('10.2.3.2');
      expect(await readdir(path.join(directory, 'data'))).toEqual([]);
    });

    it('passes on an error of the bridge plugin', async () => {
      await writeFile(path.join(directory, 'subnet.env'), SUBNET_ENV);
      const { status, answer } = run('ADD', { node, container: 'missing' });
      expect(status).toBe(1);
      expect(answer.msg).toContain('failed to open netns');
    });
  });
});
