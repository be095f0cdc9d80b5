import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeCluster } from '../fake-cluster.fixture.ts';
import { RunningProgram } from '../program.fixture.ts';

const NET_CONF = { Network: '10.2.0.0/16', Backend: { Type: 'vxlan', Port: 4789 } };
const CNI_CONF = '{"name":"cbr0"}\n';

// It adds routes, so it runs in a network namespace; the API server is at the other end of the veth pair.
describe.skipIf(process.getuid?.() !== 0)('the program flannel', () => {
  let directory: string;
  let cluster: FakeCluster;
  let flannel: RunningProgram | undefined;
  const id = randomBytes(3).toString('hex');
  const [node, link] = [`fl-${id}`, `fl${id}`];
  // Addresses reserved for benchmarks (RFC 2544), so that they are in no network of this machine.
  const subnet = `198.18.${randomInt(256)}`;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flannel-'));
    ip('netns', 'add', node);
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', node);
    ip('address', 'add', `${subnet}.1/24`, 'dev', link);
    ip('link', 'set', link, 'up');
    ip('-netns', node, 'address', 'add', `${subnet}.11/24`, 'dev', 'eth0');
    ip('-netns', node, 'link', 'set', 'eth0', 'up', 'mtu', '1400');
    cluster = await FakeCluster.start(directory, { address: `${subnet}.1` });
    await writeFile(at('net-conf.json'), JSON.stringify(NET_CONF));
    await writeFile(at('cni-conf.json'), CNI_CONF);
    setNodes('10.2.0.0/24');
  });
  afterEach(async () => {
    await flannel?.stop('SIGKILL');
    await cluster.stop();
    // This deletes its other end too.
    ip('link', 'delete', link);
    ip('netns', 'delete', node);
    await rm(directory, { recursive: true });
  });

  const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' });
  const at = (name: string): string => path.join(directory, name);

  function setNodes(podCIDR: string | undefined): void {
    const own = { metadata: { name: 'cp1' }, spec: podCIDR === undefined ? {} : { podCIDR } };
    const other = {
      metadata: { name: 'node02' },
      spec: { podCIDR: '10.2.1.0/24' },
      status: { addresses: [{ type: 'InternalIP', address: `${subnet}.12` }] },
    };
    cluster.objects.set('/api/v1/nodes/cp1', own);
    cluster.objects.set('/api/v1/nodes', { items: [own, other] });
  }

  function start(...more: string[]): RunningProgram {
    flannel = new RunningProgram(
      'flannel/main.ts',
      [
        '--kube-subnet-mgr',
        `--iface=${subnet}.11`,
        `--subnet-file=${at('run/subnet.env')}`,
        `--net-config-path=${at('net-conf.json')}`,
        `--cni-conf-source=${at('cni-conf.json')}`,
        `--cni-conf-file=${at('net.d/10-flannel.conflist')}`,
        ...more,
      ],
      { ...cluster.environment, NODE_NAME: 'cp1' },
      ['nsenter', `--net=/run/netns/${node}`],
    );
    return flannel;
  }

  it('writes subnet.env and the CNI configuration, annotates its Node and adds routes to the others', async () => {
    const running = start();
    await running.saying(new RegExp(`Route to 10.2.1.0/24 via ${subnet}.12`));
    expect(await readFile(at('run/subnet.env'), 'utf8')).toBe(
      'FLANNEL_NETWORK=10.2.0.0/16\nFLANNEL_SUBNET=10.2.0.1/24\nFLANNEL_MTU=1350\nFLANNEL_IPMASQ=false\n',
    );
    expect((await stat(at('run/subnet.env'))).mode & 0o777).toBe(0o644);
    expect(await readFile(at('net.d/10-flannel.conflist'), 'utf8')).toBe(CNI_CONF);
    expect(cluster.patches).toMatchObject([
      {
        path: '/api/v1/nodes/cp1/status',
        patch: { metadata: { annotations: { 'flannel.alpha.coreos.com/public-ip': `${subnet}.11` } } },
      },
    ]);
    expect(ip('-netns', node, 'route', 'show', '10.2.1.0/24')).toContain(`via ${subnet}.12`);
    cluster.objects.set('/api/v1/nodes', { items: [] });
    await running.saying(/Removed the route to 10\.2\.1\.0\/24/);
    expect(ip('-netns', node, 'route', 'show', '10.2.1.0/24')).toBe('');
    expect(await running.stop()).toBe(0);
  });

  it('adds its masquerading rules once, however often it starts', async () => {
    for (let round = 0; round < 2; round += 1) {
      const running = start('--ip-masq');
      await running.saying(/Running backend/);
      await running.stop();
    }
    expect(await readFile(at('run/subnet.env'), 'utf8')).toContain('FLANNEL_IPMASQ=true');
    const argv = [`--net=/run/netns/${node}`, 'iptables', '-t', 'nat', '-S', 'POSTROUTING'];
    const rules = execFileSync('nsenter', argv, { encoding: 'utf8' }).replaceAll(
      / -m comment --comment "flanneld masq"/g,
      '',
    );
    expect(rules.trim().split('\n')).toEqual([
      '-P POSTROUTING ACCEPT',
      '-A POSTROUTING -s 10.2.0.0/16 -d 10.2.0.0/16 -j RETURN',
      '-A POSTROUTING -s 10.2.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE',
      '-A POSTROUTING ! -s 10.2.0.0/16 -d 10.2.0.0/24 -j RETURN',
      '-A POSTROUTING ! -s 10.2.0.0/16 -d 10.2.0.0/16 -j MASQUERADE',
    ]);
  });

  it('waits for a podCIDR before it writes subnet.env', async () => {
    setNodes(undefined);
    const running = start();
    await running.saying(/Error registering network: failed to acquire lease: node "cp1" pod cidr not assigned/);
    await expect(readFile(at('run/subnet.env'))).rejects.toThrow('ENOENT');
    setNodes('10.2.0.0/24');
    await running.saying(/Wrote subnet file to/);
  });

  it('rejects a podCIDR outside its network', async () => {
    setNodes('10.7.0.0/24');
    const running = start();
    await running.saying(/Error registering network/);
    expect(running.log).toContain('doesn\'t contain "10.7.0.0/24" PodCIDR of the "cp1" node');
  });

  it('continues once its CA is correct', async () => {
    await cluster.trust(cluster.pki.pairs['etcd/ca'].certificate);
    const running = start();
    await running.saying(/Failed to create SubnetManager: .*x509: certificate signed by unknown authority/);
    await cluster.trust(cluster.pki.pairs.ca.certificate);
    await running.saying(/Wrote subnet file to/);
    expect(running.log).not.toContain('a-token-of-the-tests');
  });
});
