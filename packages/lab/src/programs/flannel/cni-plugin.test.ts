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
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'flannel-'));
    await writeFile(path.join(folder, 'flannel'), renderFlannelPlugin());
    await chmod(path.join(folder, 'flannel'), 0o755);
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Runs the plugin as a container runtime does, in the network namespace `node`. */
  function run(command: string, { node, container = 'none' }: { node?: string; container?: string } = {}) {
    const config = {
      cniVersion: '0.3.1',
      name: 'cbr0',
      type: 'flannel',
      subnetFile: path.join(folder, 'subnet.env'),
      dataDir: path.join(folder, 'data'),
      ipam: { dataDir: path.join(folder, 'leases') },
      delegate: { hairpinMode: true, isDefaultGateway: true },
    };
    const enter = node === undefined ? [] : ['nsenter', `--net=/run/netns/${node}`];
    const [program, ...args] = [...enter, path.join(folder, 'flannel')];
    const result = spawnSync(program, args, {
      input: JSON.stringify(config),
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        CNI_COMMAND: command,
        CNI_CONTAINERID: 'c1',
        CNI_NETNS: `/run/netns/${container}`,
        CNI_IFNAME: 'eth0',
        CNI_PATH: folder,
      },
    });
    return {
      status: result.status,
      stderr: result.stderr,
      answer: result.stdout === '' ? undefined : JSON.parse(result.stdout),
    };
  }

  it('refuses a pod while there is no subnet.env', () => {
    const { status, answer } = run('ADD');
    expect(status).toBe(1);
    expect(answer.msg).toBe(
      `failed to load flannel 'subnet.env' file: open ${folder}/subnet.env: no such file or directory. Check the flannel pod log for this node.`,
    );
  });

  it('refuses a pod while subnet.env is half written', async () => {
    await writeFile(path.join(folder, 'subnet.env'), 'FLANNEL_NETWORK=10.2.0.0/16\n');
    expect(run('ADD').answer.msg).toContain(
      `failed to load flannel 'subnet.env' file: ${folder}/subnet.env is missing FLANNEL_SUBNET, FLANNEL_MTU, FLANNEL_IPMASQ`,
    );
  });

  it('takes a pod down that it never set up, with or without subnet.env', () => {
    expect(run('DEL')).toMatchObject({ status: 0 });
  });

  it('tells its versions, answers CHECK and refuses what it does not know', () => {
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

    it('gives a pod an address of the subnet and the MTU, and takes them back', async () => {
      await writeFile(path.join(folder, 'subnet.env'), SUBNET_ENV);
      const { status, answer, stderr } = run('ADD', { node, container });
      expect([status, stderr]).toEqual([0, '']);
      expect(answer.ips[0]).toMatchObject({ address: '10.2.3.2/24', gateway: '10.2.3.1' });
      expect(inside(container, 'address', 'show', 'eth0')).toMatch(/mtu 1450[\s\S]*inet 10\.2\.3\.2\/24/);
      expect(inside(node, 'address', 'show', 'cni0')).toContain('inet 10.2.3.1/24');
      expect(inside(container, 'route')).toContain('10.2.0.0/16 via 10.2.3.1');
      expect(await readdir(path.join(folder, 'data'))).toEqual(['c1']);

      // After a reboot of the tmpfs it still takes down what it set up.
      await rm(path.join(folder, 'subnet.env'));
      expect(run('DEL', { node, container }).status).toBe(0);
      expect(inside(container, 'address')).not.toContain('10.2.3.2');
      expect(await readdir(path.join(folder, 'data'))).toEqual([]);
    });

    it('hands on the refusal of the bridge plugin', async () => {
      await writeFile(path.join(folder, 'subnet.env'), SUBNET_ENV);
      const { status, answer } = run('ADD', { node, container: 'missing' });
      expect(status).toBe(1);
      expect(answer.msg).toContain('failed to open netns');
    });
  });
});
