import { type KubernetesObject, ObjectError } from '@kube-rescue/cluster-objects';
import type { FakeHost } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import {
  access,
  CNI_CONF,
  CONFIGURATION_FILE,
  configMap,
  daemonSet,
  FOLDER,
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
const look = (
  objects: readonly KubernetesObject[] = HEALTHY,
  host: FakeHost = machine(),
  input: Partial<NetworkInput> = {},
) => inspectNetwork({ ...INPUT, ...input }, { host, objects: access(objects) }, signal);
const inPlace = { [SUBNET_FILE]: SUBNET_ENV, [CONFIGURATION_FILE]: CNI_CONF };
const statesOf = async (files: Readonly<Record<string, string | undefined>>, objects = HEALTHY) => {
  const sight = await look(objects, machine(files));
  return sight.files.map(({ state, problems }) => [state, ...problems].join('; '));
};

describe("a node's flannel", () => {
  it('lacks both files after a reboot', async () => {
    expect(await look()).toMatchObject({
      status: 'needed',
      plugin: 'flannel',
      daemon: 'DaemonSet kube-system/kube-flannel',
      files: [
        { path: SUBNET_FILE, state: 'missing', text: SUBNET_ENV },
        { path: CONFIGURATION_FILE, state: 'missing', text: CNI_CONF },
      ],
    });
  });

  it('lacks nothing while both are there', async () => {
    expect(await look(HEALTHY, machine(inPlace))).toMatchObject({
      status: 'ok',
      summary: "flannel's files are in place",
    });
  });

  it('has good files however they are written', async () => {
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
    ['half written', SUBNET_ENV.slice(0, 60), 'FLANNEL_MTU is missing; FLANNEL_IPMASQ is missing'],
    ['cut within a value', SUBNET_ENV.slice(0, 68), 'FLANNEL_MTU is "1", not 1450; FLANNEL_IPMASQ is missing'],
    [
      'empty',
      '',
      'FLANNEL_NETWORK is missing; FLANNEL_SUBNET is missing; FLANNEL_MTU is missing; FLANNEL_IPMASQ is missing',
    ],
    ['of another MTU', SUBNET_ENV.replace('1450', '8951'), 'FLANNEL_MTU is "8951", not 1450'],
    ['of two families', `${SUBNET_ENV}FLANNEL_IPV6_SUBNET=fd00::1/64\n`, 'FLANNEL_IPV6_SUBNET does not belong there'],
  ])('has a stale subnet file: %s', async (_, text, problems) => {
    const states = await statesOf({ ...inPlace, [SUBNET_FILE]: text });
    expect(states[0]).toBe(`stale; ${problems}`);
  });

  it.each([
    ['half written', CNI_CONF.slice(0, 50), 'it is not JSON'],
    ['empty', '', 'it is empty'],
    [
      'of another plugin',
      '{"name":"x","type":"weave-net"}',
      'it is for weave-net and differs from what flannel would write',
    ],
  ])('has a stale configuration: %s', async (_, text, problem) => {
    expect((await statesOf({ ...inPlace, [CONFIGURATION_FILE]: text }))[1]).toBe(`stale; ${problem}`);
  });

  it('is left alone with its own files once it runs', async () => {
    const running = podOf('kube-flannel', {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      startTime: '1970-01-01T00:00:00Z',
      containerStatuses: [{ state: { running: { startedAt: '1970-01-01T00:00:00Z' } } }],
    });
    const own = SUBNET_ENV.replace('1450', '1400');
    const sight = await look([...HEALTHY, running], machine({ ...inPlace, [SUBNET_FILE]: own }));
    expect(sight).toMatchObject({ status: 'ok', files: [{ state: 'own' }, { state: 'good' }], pod: { isReady: true } });
    expect(sight.evidence).toContain(
      `${SUBNET_FILE}: written by flannel since it runs, left alone: FLANNEL_MTU is "1400", not 1450`,
    );
  });

  it.each([
    [
      'was started after them',
      { phase: 'Running', containerStatuses: [{ state: { running: { startedAt: '2999-01-01T00:00:00Z' } } }] },
    ],
    ['is waiting', { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] }],
  ])('is not left alone with files that are stale when it %s', async (_, status) => {
    const files = { ...inPlace, [SUBNET_FILE]: SUBNET_ENV.replace('1450', '1400') };
    expect((await statesOf(files, [...HEALTHY, podOf('kube-flannel', status)]))[0]).toMatch(/^stale/);
  });

  it.each([
    ['an older one of its own', { name: 'cbr0', type: 'flannel' }],
    ['that of Multus', { name: 'multus', type: 'multus' }],
  ])('may have another configuration before its own: %s', async (_, configuration) => {
    const files = { [`${FOLDER}/00-first.conf`]: JSON.stringify(configuration) };
    expect(await look(HEALTHY, machine(files))).toMatchObject({ status: 'needed' });
  });

  it('gets the pod CIDR that is asked for where the Node has none', async () => {
    const objects = [node({}), configMap(), flannel()];
    expect(await look(objects, machine(), { podCidrs: ['10.2.3.0/24'] })).toMatchObject({
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
    expect(await look([arm, windows, ...HEALTHY])).toMatchObject({ daemon: 'DaemonSet kube-system/kube-flannel' });
  });

  it('has its programs brought by its own pod where that has their folder', async () => {
    const mounts = [{ name: 'bin', mountPath: '/opt/cni/bin' }];
    const brings = flannel();
    const spec = (brings as unknown as { spec: { template: { spec: Record<string, unknown[]> } } }).spec.template.spec;
    const withFolder = flannel({
      initContainers: [...(spec['initContainers'] ?? []), { name: 'install-cni-plugin', volumeMounts: mounts }],
      volumes: [...(spec['volumes'] ?? []), { name: 'bin', hostPath: { path: '/opt/cni/bin' } }],
    });
    const sight = await look([node(), configMap(), withFolder], machine({ '/opt/cni/bin/flannel': undefined }));
    expect(sight).toMatchObject({ status: 'needed', program: undefined });
    expect(sight.evidence.join('\n')).toContain('no program flannel in /opt/cni/bin');
  });
});

describe('nothing is written, and the reason is named, when', () => {
  const other = { name: 'cbr0', type: 'bridge' };
  const cases: readonly (readonly [string, string, readonly KubernetesObject[], host?: FakeHost])[] = [
    ['the node has no pod CIDR', 'CNI_POD_CIDR_MISSING', [node({}), configMap(), flannel()]],
    [
      'the pod CIDR is outside the network',
      'CNI_POD_CIDR_OUTSIDE',
      [node({ podCIDR: '10.9.3.0/24' }), configMap(), flannel()],
    ],
    ['there is no ConfigMap', 'CNI_CONFIG_MAP_MISSING', [node(), flannel()]],
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
    ['there is no Node of this name', 'CNI_NODE_NOT_FOUND', [configMap(), flannel()]],
    [
      'two flannels are meant for this node',
      'CNI_PLUGIN_AMBIGUOUS',
      [...HEALTHY, daemonSet('kube-flannel-ds', { containers: [] })],
    ],
    [
      'flannel and Calico are both there',
      'CNI_PLUGIN_AMBIGUOUS',
      [...HEALTHY, daemonSet('calico-node', { containers: [] })],
    ],
    ['flannel keeps its leases in etcd', 'CNI_FLANNEL_ETCD_MODE', [node(), configMap(), flannel({}, ['--ip-masq'])]],
    ['its DaemonSet runs no flanneld', 'CNI_DAEMON_INVALID', [node(), configMap(), flannel({ containers: [] })]],
    [
      'the subnet file is not on the host',
      'CNI_DAEMON_INVALID',
      [node(), configMap(), flannel({}, ['--kube-subnet-mgr', '--subnet-file=/tmp/subnet.env'])],
    ],
    [
      'a program is missing that nobody brings',
      'CNI_PLUGIN_BINARY_MISSING',
      HEALTHY,
      machine({ '/opt/cni/bin/portmap': undefined }),
    ],
    [
      'another configuration comes first',
      'CNI_CONFIG_SHADOWED',
      HEALTHY,
      machine({ [`${FOLDER}/00-bridge.conf`]: JSON.stringify(other) }),
    ],
    [
      'the interface of flannel is not there',
      'CNI_LINK_UNKNOWN',
      [node(), configMap(), flannel({}, ['--kube-subnet-mgr', '--iface=ens5'])],
    ],
    [
      "the runtime's configuration is no TOML",
      'CNI_FOLDERS_UNREADABLE',
      HEALTHY,
      machine({ '/etc/containerd/config.toml': '[plugins' }),
    ],
    ['an unknown network plugin has nothing in place', 'CNI_PLUGIN_UNKNOWN', [node()]],
  ];

  it.each(cases.map(([title, code, objects, host]) => ({ title, code, objects, host })))(
    '$title ($code)',
    async ({ code, objects, host }) => {
      const sight = await look(objects, host);
      expect({ code: sight.code, files: sight.files }).toEqual({ code, files: [] });
      expect(['blocked', 'unknown']).toContain(sight.status);
      expect(sight.hint).not.toBe('');
      expect(sight.subject).toBeDefined();
    },
  );

  it('the node has no pod CIDR, but had one before', async () => {
    const sight = await look([node({}), configMap(), flannel()], machine({ [SUBNET_FILE]: SUBNET_ENV }));
    expect(sight.code).toBe('CNI_POD_CIDR_MISSING');
    expect(sight.summary).toContain('it had 10.2.3.0/24 before (/run/flannel/subnet.env)');
    expect(sight.hint).toContain('--pod-cidr 10.2.3.0/24');
  });

  it('the objects cannot be read', async () => {
    const objects = {
      source: { via: 'etcd' as const, search: {} },
      open: () =>
        Promise.reject(
          new ObjectError({ code: 'OBJECT_STORE_UNREACHABLE', message: 'nobody answers', subject: 'etcd', hint: 'x' }),
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
  ])('is named, with what it waits for: %s', async (plugin, name, image) => {
    const pending = podOf(name, {
      phase: 'Pending',
      initContainerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    });
    const sight = await look([node(), daemonSet(name, { containers: [{ name, image }] }), pending]);
    expect(sight).toMatchObject({ status: 'blocked', code: 'CNI_PLUGIN_NOT_BOOTSTRAPPABLE', plugin, files: [] });
    expect(sight.subject).toBe(`DaemonSet kube-system/${name}`);
    expect(sight.hint).toContain('Pending, not ready, PodInitializing');
  });

  it('is well once it has put its configuration in place', async () => {
    const calico = daemonSet('calico-node', { containers: [] });
    const conf = JSON.stringify({
      name: 'k8s-pod-network',
      plugins: [{ type: 'calico', ipam: { type: 'calico-ipam' } }],
    });
    const programs = { '/opt/cni/bin/calico': 'ELF', '/opt/cni/bin/calico-ipam': 'ELF' };
    const files = { [`${FOLDER}/10-calico.conflist`]: conf };
    expect(await look([node(), calico], machine({ ...files, ...programs }))).toMatchObject({ status: 'ok' });
    const stale = await look([node(), calico], machine(files));
    expect(stale).toMatchObject({ status: 'blocked' });
    expect(stale.evidence).toContain(`${FOLDER}/10-calico.conflist: no program calico, calico-ipam`);
  });

  it('that nobody knows is well with a configuration and its programs in place', async () => {
    const conf = JSON.stringify({ name: 'lab', plugins: [{ type: 'bridge', ipam: { type: 'host-local' } }] });
    expect(await look([node()], machine({ [`${FOLDER}/10-lab.conflist`]: conf }))).toMatchObject({
      status: 'ok',
      plugin: 'unknown',
    });
  });
});
