import { type KubernetesObject, ObjectError } from '@kube-rescue/cluster-objects';
import type { FakeHost } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import {
  access,
  CNI_CONF,
  CONFIGURATION_FILE,
  configMap,
  daemonSet,
  DIRECTORY,
  flannel,
  HEALTHY,
  machine,
  NODE,
  node,
  podOf,
  SUBNET_ENV,
  SUBNET_FILE,
} from './cluster.fixture.ts';
import { inspectNetwork, type NetworkInput } from './network-inspection.ts';

const { signal } = new AbortController();
const INPUT: NetworkInput = {
  nodeName: NODE,
  kubelet: { flags: new Map([['container-runtime', 'remote']]), source: 'kubelet.service' },
};
const inspect = (
  objects: readonly KubernetesObject[] = HEALTHY,
  host: FakeHost = machine(),
  input: Partial<NetworkInput> = {},
) => inspectNetwork({ ...INPUT, ...input }, { host, objects: access(objects) }, signal);
const inPlace = { [SUBNET_FILE]: SUBNET_ENV, [CONFIGURATION_FILE]: CNI_CONF };
const statesOf = async (files: Readonly<Record<string, string | undefined>>, objects = HEALTHY) => {
  const network = await inspect(objects, machine(files));
  return network.files.map(({ state, problems }) => [state, ...problems].join('; '));
};

describe('flannel on a node', () => {
  it('lacks both files after a reboot', async () => {
    expect(await inspect()).toMatchObject({
      status: 'needed',
      plugin: 'flannel',
      daemon: 'DaemonSet kube-system/kube-flannel',
      files: [
        { path: SUBNET_FILE, state: 'missing', text: SUBNET_ENV },
        { path: CONFIGURATION_FILE, state: 'missing', text: CNI_CONF },
      ],
    });
  });

  it('lacks nothing while both files are in place', async () => {
    expect(await inspect(HEALTHY, machine(inPlace))).toMatchObject({
      status: 'ok',
      summary: 'the files of flannel are in place',
    });
  });

  it('accepts files in another format', async () => {
    const spaced = JSON.stringify(JSON.parse(CNI_CONF), null, 4);
    const env = SUBNET_ENV.split('\n').toReversed().join('\n').trim();
    expect(await statesOf({ [SUBNET_FILE]: env, [CONFIGURATION_FILE]: spaced })).toEqual(['good', 'good']);
  });

  it.each([
    [
      'of another pod CIDR',
      SUBNET_ENV.replace('10.2.3.1', '10.2.7.1'),
      'FLANNEL_SUBNET is "10.2.7.1/24", not 10.2.3.1/24',
    ],
    [
      'of another network',
      SUBNET_ENV.replace('10.2.0.0', '10.244.0.0'),
      'FLANNEL_NETWORK is "10.244.0.0/16", not 10.2.0.0/16',
    ],
    ['incomplete', SUBNET_ENV.slice(0, 60), 'FLANNEL_MTU is missing; FLANNEL_IPMASQ is missing'],
    ['truncated within a value', SUBNET_ENV.slice(0, 68), 'FLANNEL_MTU is "1", not 1450; FLANNEL_IPMASQ is missing'],
    [
      'empty',
      '',
      'FLANNEL_NETWORK is missing; FLANNEL_SUBNET is missing; FLANNEL_MTU is missing; FLANNEL_IPMASQ is missing',
    ],
    ['of another MTU', SUBNET_ENV.replace('1450', '8951'), 'FLANNEL_MTU is "8951", not 1450'],
    ['of two families', `${SUBNET_ENV}FLANNEL_IPV6_SUBNET=fd00::1/64\n`, 'FLANNEL_IPV6_SUBNET is unexpected'],
  ])('has a stale subnet file: %s', async (_, text, problems) => {
    const states = await statesOf({ ...inPlace, [SUBNET_FILE]: text });
    expect(states[0]).toBe(`stale; ${problems}`);
  });

  it.each([
    ['incomplete', CNI_CONF.slice(0, 50), 'the file is not JSON'],
    ['empty', '', 'the file is empty'],
    [
      'of another plugin',
      '{"name":"x","type":"weave-net"}',
      'the file uses weave-net and differs from the one of flannel',
    ],
  ])('has a stale configuration: %s', async (_, text, problem) => {
    expect((await statesOf({ ...inPlace, [CONFIGURATION_FILE]: text }))[1]).toBe(`stale; ${problem}`);
  });

  it('keeps its own files while it runs', async () => {
    const running = podOf('kube-flannel', {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      startTime: '1970-01-01T00:00:00Z',
      containerStatuses: [{ state: { running: { startedAt: '1970-01-01T00:00:00Z' } } }],
    });
    const own = SUBNET_ENV.replace('1450', '1400');
    const state = await inspect([...HEALTHY, running], machine({ ...inPlace, [SUBNET_FILE]: own }));
    expect(state).toMatchObject({ status: 'ok', files: [{ state: 'own' }, { state: 'good' }], pod: { isReady: true } });
    expect(state.evidence).toContain(
      `${SUBNET_FILE}: written by the running flannel, not changed: FLANNEL_MTU is "1400", not 1450`,
    );
  });

  it.each([
    [
      'started after they were written',
      { phase: 'Running', containerStatuses: [{ state: { running: { startedAt: '2999-01-01T00:00:00Z' } } }] },
    ],
    ['is waiting', { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] }],
  ])('needs new files when they are stale and it %s', async (_, status) => {
    const files = { ...inPlace, [SUBNET_FILE]: SUBNET_ENV.replace('1450', '1400') };
    expect((await statesOf(files, [...HEALTHY, podOf('kube-flannel', status)]))[0]).toMatch(/^stale/);
  });

  it.each([
    ['an older one of flannel', { name: 'cbr0', type: 'flannel' }],
    ['the one of Multus', { name: 'multus', type: 'multus' }],
  ])('accepts another configuration before its own: %s', async (_, configuration) => {
    const files = { [`${DIRECTORY}/00-first.conf`]: JSON.stringify(configuration) };
    expect(await inspect(HEALTHY, machine(files))).toMatchObject({ status: 'needed' });
  });

  it('uses the given pod CIDR when the Node has none', async () => {
    const objects = [node({}), configMap(), flannel()];
    expect(await inspect(objects, machine(), { podCidrs: ['10.2.3.0/24'] })).toMatchObject({
      status: 'needed',
      files: [{ text: SUBNET_ENV }, {}],
    });
  });

  it('is found among the DaemonSets of other architectures', async () => {
    const arm = daemonSet('kube-flannel-ds-arm', { nodeSelector: { 'kubernetes.io/arch': 'arm' }, containers: [] });
    const windows = daemonSet('kube-flannel-ds-windows', {
      containers: [],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'NotIn', values: ['amd64'] }] },
            ],
          },
        },
      },
    });
    expect(await inspect([arm, windows, ...HEALTHY])).toMatchObject({ daemon: 'DaemonSet kube-system/kube-flannel' });
  });

  it('accepts missing plugin binaries when its pod mounts their directory', async () => {
    const mounts = [{ name: 'bin', mountPath: '/opt/cni/bin' }];
    const brings = flannel();
    const spec = (brings as unknown as { spec: { template: { spec: Record<string, unknown[]> } } }).spec.template.spec;
    const withDirectory = flannel({
      initContainers: [...(spec['initContainers'] ?? []), { name: 'install-cni-plugin', volumeMounts: mounts }],
      volumes: [...(spec['volumes'] ?? []), { name: 'bin', hostPath: { path: '/opt/cni/bin' } }],
    });
    const state = await inspect([node(), configMap(), withDirectory], machine({ '/opt/cni/bin/flannel': undefined }));
    expect(state).toMatchObject({ status: 'needed', program: undefined });
    expect(state.evidence.join('\n')).toContain('plugin binary flannel is missing in /opt/cni/bin');
  });
});

describe('nothing is written, and the reason is reported, when', () => {
  const other = { name: 'cbr0', type: 'bridge' };
  const cases: readonly (readonly [string, string, readonly KubernetesObject[], host?: FakeHost])[] = [
    ['the node has no pod CIDR', 'CNI_POD_CIDR_MISSING', [node({}), configMap(), flannel()]],
    [
      'the pod CIDR is outside the network',
      'CNI_POD_CIDR_OUTSIDE',
      [node({ podCIDR: '10.9.3.0/24' }), configMap(), flannel()],
    ],
    ['the ConfigMap is missing', 'CNI_CONFIG_MAP_MISSING', [node(), flannel()]],
    [
      'the ConfigMap lacks a key',
      'CNI_CONFIG_MAP_MISSING',
      [node(), configMap({ 'cni-conf.json': CNI_CONF }), flannel()],
    ],
    [
      'the ConfigMap is not JSON',
      'CNI_NET_CONF_INVALID',
      [node(), configMap({ 'net-conf.json': 'x', 'cni-conf.json': CNI_CONF }), flannel()],
    ],
    ['the Node is missing', 'CNI_NODE_NOT_FOUND', [configMap(), flannel()]],
    [
      'two flannels are scheduled on this node',
      'CNI_PLUGIN_AMBIGUOUS',
      [...HEALTHY, daemonSet('kube-flannel-ds', { containers: [] })],
    ],
    [
      'flannel and Calico are both scheduled',
      'CNI_PLUGIN_AMBIGUOUS',
      [...HEALTHY, daemonSet('calico-node', { containers: [] })],
    ],
    ['flannel stores its leases in etcd', 'CNI_FLANNEL_ETCD_MODE', [node(), configMap(), flannel({}, ['--ip-masq'])]],
    ['its DaemonSet runs no flanneld', 'CNI_DAEMON_INVALID', [node(), configMap(), flannel({ containers: [] })]],
    [
      'the subnet file is not on the host',
      'CNI_DAEMON_INVALID',
      [node(), configMap(), flannel({}, ['--kube-subnet-mgr', '--subnet-file=/tmp/subnet.env'])],
    ],
    [
      'a plugin binary is missing and not installed by the pod',
      'CNI_PLUGIN_BINARY_MISSING',
      HEALTHY,
      machine({ '/opt/cni/bin/portmap': undefined }),
    ],
    [
      'another configuration comes first',
      'CNI_CONFIG_SHADOWED',
      HEALTHY,
      machine({ [`${DIRECTORY}/00-bridge.conf`]: JSON.stringify(other) }),
    ],
    [
      'the interface of flannel is missing',
      'CNI_LINK_UNKNOWN',
      [node(), configMap(), flannel({}, ['--kube-subnet-mgr', '--iface=ens5'])],
    ],
    [
      'the configuration of the container runtime is not TOML',
      'CNI_DIRECTORIES_UNREADABLE',
      HEALTHY,
      machine({ '/etc/containerd/config.toml': '[plugins' }),
    ],
    ['the network plugin is unknown and without configuration', 'CNI_PLUGIN_UNKNOWN', [node()]],
  ];

  it.each(cases.map(([title, code, objects, host]) => ({ title, code, objects, host })))(
    '$title ($code)',
    async ({ code, objects, host }) => {
      const state = await inspect(objects, host);
      expect({ code: state.code, files: state.files }).toEqual({ code, files: [] });
      expect(['blocked', 'unknown']).toContain(state.status);
      expect(state.hint).not.toBe('');
      expect(state.subject).toBeDefined();
    },
  );

  it('the node has lost its pod CIDR', async () => {
    const state = await inspect([node({}), configMap(), flannel()], machine({ [SUBNET_FILE]: SUBNET_ENV }));
    expect(state.code).toBe('CNI_POD_CIDR_MISSING');
    expect(state.summary).toContain('the earlier pod CIDR was 10.2.3.0/24 (/run/flannel/subnet.env)');
    expect(state.hint).toContain('--pod-cidr 10.2.3.0/24');
  });

  it('the objects are unreadable', async () => {
    const objects = {
      source: { via: 'etcd' as const, search: {} },
      open: () =>
        Promise.reject(
          new ObjectError({ code: 'OBJECT_STORE_UNREACHABLE', message: 'no answer', subject: 'etcd', hint: 'x' }),
        ),
    };
    expect(await inspectNetwork(INPUT, { host: machine(), objects }, signal)).toMatchObject({
      status: 'unknown',
      code: 'OBJECT_STORE_UNREACHABLE',
      files: [],
    });
  });
});

describe('another network plugin', () => {
  it.each([
    ['calico', 'calico-node', 'docker.io/calico/node:v3.26.1'],
    ['canal', 'canal', 'docker.io/calico/node:v3.26.1'],
    ['cilium', 'cilium', 'quay.io/cilium/cilium:v1.14.0'],
    ['weave', 'weave-net', 'docker.io/weaveworks/weave-kube:2.8.1'],
    ['kube-router', 'kube-router', 'docker.io/cloudnativelabs/kube-router:v1'],
    ['ovn-kubernetes', 'ovnkube-node', 'ovn-kube-u:latest'],
    ['antrea', 'antrea-agent', 'antrea/antrea-ubuntu:v1.13.0'],
    ['aws-vpc-cni', 'aws-node', '602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1.12'],
    ['azure-cni', 'azure-cns', 'mcr.microsoft.com/containernetworking/azure-cns:v1'],
  ])('is reported with the state of its pod: %s', async (plugin, name, image) => {
    const pending = podOf(name, {
      phase: 'Pending',
      initContainerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    });
    const state = await inspect([node(), daemonSet(name, { containers: [{ name, image }] }), pending]);
    expect(state).toMatchObject({ status: 'blocked', code: 'CNI_PLUGIN_NOT_BOOTSTRAPPABLE', plugin, files: [] });
    expect(state.subject).toBe(`DaemonSet kube-system/${name}`);
    expect(state.hint).toContain('Pending, not ready, PodInitializing');
  });

  it('is healthy once its configuration is in place', async () => {
    const calico = daemonSet('calico-node', { containers: [] });
    const conf = JSON.stringify({
      name: 'k8s-pod-network',
      plugins: [{ type: 'calico', ipam: { type: 'calico-ipam' } }],
    });
    const programs = { '/opt/cni/bin/calico': 'ELF', '/opt/cni/bin/calico-ipam': 'ELF' };
    const files = { [`${DIRECTORY}/10-calico.conflist`]: conf };
    expect(await inspect([node(), calico], machine({ ...files, ...programs }))).toMatchObject({ status: 'ok' });
    const stale = await inspect([node(), calico], machine(files));
    expect(stale).toMatchObject({ status: 'blocked' });
    expect(stale.evidence).toContain(`${DIRECTORY}/10-calico.conflist: missing plugin binaries: calico, calico-ipam`);
  });

  it('is healthy if unknown, with a configuration and its plugin binaries in place', async () => {
    const conf = JSON.stringify({ name: 'lab', plugins: [{ type: 'bridge', ipam: { type: 'host-local' } }] });
    expect(await inspect([node()], machine({ [`${DIRECTORY}/10-lab.conflist`]: conf }))).toMatchObject({
      status: 'ok',
      plugin: 'unknown',
    });
  });
});
