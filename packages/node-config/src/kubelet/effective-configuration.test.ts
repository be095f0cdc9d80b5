import { hostPath } from '@kube-rescue/host';
import { createFakeHost, type NodeTree, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { readKubeletConfiguration } from './kubelet-configuration.ts';

const HEADER = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';
const MAIN = '/var/lib/kubelet/config.yaml';
const DIRECTORY = '/etc/kubernetes/kubelet.conf.d';
const ENV = '/var/lib/kubelet/kubeadm-flags.env';

function unit(flags: string): string {
  return `[Service]\nEnvironmentFile=-${ENV}\nExecStart=/usr/bin/kubelet --config=${MAIN} ${flags} $KUBELET_KUBEADM_ARGS\n`;
}

/** The kubelet of a systemd unit with these files, and what it is configured with. */
async function read(
  files: Readonly<Record<string, string>>,
  flags = `--config-dir=${DIRECTORY}`,
  more: NodeTree = new Map(),
) {
  const tree = new Map([...treeOf({ '/etc/systemd/system/kubelet.service': unit(flags), ...files }), ...more]);
  const found = await readKubeletConfiguration({ host: createFakeHost({ tree }) });
  return {
    ...found,
    endpoint: found.component.flags.get('container-runtime-endpoint'),
    said: found.evidence.join('\n'),
  };
}

/** Drop-ins by name, over a file of `--config`. */
function withDropIns(dropIns: Readonly<Record<string, string>>, main = ''): Record<string, string> {
  const named = Object.entries(dropIns).map(([name, text]) => [`${DIRECTORY}/${name}`, text]);
  return { [MAIN]: HEADER + main, [`${DIRECTORY}/README`]: 'not YAML: [', ...(Object.fromEntries(named) as object) };
}

async function reasons(...input: Parameters<typeof read>): Promise<readonly string[]> {
  return (await read(...input)).problems.map(({ subject, message }) => `${subject ?? ''}: ${message}`);
}

// The values are those of cmd/kubelet/app/server.go and pkg/kubelet/kubeletconfig/configfiles of Kubernetes v1.37.2.
describe('drop-ins of --config-dir', () => {
  it('win over the file of --config in the order of their names, and a flag wins over both', async () => {
    const files = withDropIns(
      {
        '20-b.conf': `${HEADER}staticPodPath: /b\ntlsCertFile: /b.crt\n`,
        '10-a.conf': `${HEADER}staticPodPath: /a\nclusterDomain: a.example\n`,
        '15-sub/x.conf': `${HEADER}clusterDomain: sub.example\n`,
      },
      'staticPodPath: /main\nrotateCertificates: true\ntlsCertFile: /main.crt\n',
    );
    const found = await read(files);
    expect([found.staticPodPath, found.tlsCertFile, found.rotateCertificates]).toEqual(['/b', '/b.crt', true]);
    expect(found.component.flags.get('cluster-domain')).toBe('sub.example');
    expect(found.dropIns).toEqual(['10-a.conf', '15-sub/x.conf', '20-b.conf'].map((name) => `${DIRECTORY}/${name}`));
    const flagged = await read(files, `--config-dir ${DIRECTORY} --pod-manifest-path=/flag --rotate-certificates=0`);
    expect([flagged.staticPodPath, flagged.rotateCertificates]).toEqual(['/flag', false]);
    expect(flagged.problems).toEqual([]);
  });

  it('are read without a file of --config, and without --config-dir not at all', async () => {
    const { [MAIN]: _, ...dropIns } = withDropIns({ '1.conf': `${HEADER}staticPodPath: /a\n` });
    expect((await read(dropIns)).staticPodPath).toBe('/a');
    expect((await read(withDropIns({ '1.conf': `${HEADER}staticPodPath: /a\n` }), '')).staticPodPath).toBeUndefined();
  });

  it('are merged field by field, and a null sets the default again', async () => {
    const main = 'authentication:\n  x509:\n    clientCAFile: /ca.crt\nserverTLSBootstrap: true\nstaticPodPath: /m\n';
    const found = await read(
      withDropIns(
        {
          '1.conf': `${HEADER}authentication:\n  webhook:\n    enabled: true\nserverTLSBootstrap: null\n`,
          '2.conf': `{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "staticPodPath": null}`,
        },
        main,
      ),
    );
    expect([found.clientCaFile, found.requestsServingCertificate, found.staticPodPath]).toEqual([
      '/ca.crt',
      false,
      undefined,
    ]);
    const cleared = await read(withDropIns({ '1.conf': `${HEADER}authentication:\n  x509: null\n` }, main));
    expect([cleared.clientCaFile, cleared.requestsServingCertificate]).toEqual([undefined, true]);
  });

  it('have their paths relative to the root directory, where systemd starts the kubelet; the file of --config to itself', async () => {
    const found = await read(
      withDropIns(
        { '1.conf': `${HEADER}tlsCertFile: pki/a.crt\n` },
        'tlsPrivateKeyFile: pki/a.key\nstaticPodPath: ../m\n',
      ),
    );
    expect([found.tlsCertFile, found.tlsPrivateKeyFile, found.staticPodPath]).toEqual([
      '/pki/a.crt',
      '/var/lib/kubelet/pki/a.key',
      '/var/lib/m',
    ]);
  });

  it('may have a field in any case, and unknown fields, which the kubelet passes over', async () => {
    const found = await read(withDropIns({ '1.conf': `${HEADER}STATICPODPATH: /a\nnoSuchField: 1\n` }));
    expect([found.staticPodPath, found.problems]).toEqual(['/a', []]);
    expect(found.said).toContain('no field that this kubelet is known to have: noSuchField');
    const both = await read(withDropIns({ '1.conf': `${HEADER}StaticPodPath: /a\n` }, 'staticPodPath: /m\n'));
    expect(both.staticPodPath).toBe('/m');
  });

  it('of a linked directory are not read, and linked files are', async () => {
    const link = (path: string, target: string): NodeTree => new Map([[hostPath(path), { kind: 'link', target }]]);
    const text = { '/opt/d/1.conf': `${HEADER}staticPodPath: /a\n`, [MAIN]: HEADER };
    const linked = await read(text, undefined, link(DIRECTORY, '/opt/d'));
    expect([linked.staticPodPath, linked.problems]).toEqual([undefined, []]);
    expect(linked.said).toContain(`${DIRECTORY} is a link: the kubelet reads no drop-in of it`);
    const slashed = await read(text, `--config-dir=${DIRECTORY}/`, link(DIRECTORY, '/opt/d'));
    expect(slashed.staticPodPath).toBe('/a');
    const files = withDropIns({ '2.conf': `${HEADER}staticPodPath: /b\n` });
    const file = await read({ ...files, ...text }, undefined, link(`${DIRECTORY}/9.conf`, '/opt/d/1.conf'));
    expect(file.staticPodPath).toBe('/a');
  });
});

describe('a kubelet does not start', () => {
  it.each([
    ['an empty file', '', 'the file is empty'],
    ['a file of a line break', '\n', 'it lacks `kind: KubeletConfiguration`'],
    [
      'no kind',
      'apiVersion: kubelet.config.k8s.io/v1beta1\nstaticPodPath: /m\n',
      'it lacks `kind: KubeletConfiguration`',
    ],
    ['no apiVersion', 'kind: KubeletConfiguration\n', 'or `apiVersion: kubelet.config.k8s.io/v1beta1`'],
    ['another kind', 'apiVersion: v1\nkind: Config\n', 'not a KubeletConfiguration of kubelet.config.k8s.io/v1beta1'],
    ['another version', HEADER.replace('v1beta1', 'v1'), 'not a KubeletConfiguration of'],
    ['no YAML', 'kind: [', 'line 1'],
    ['a tab', `${HEADER}authentication:\n\tx509: {}\n`, 'line 4'],
    ['a string for a switch', `${HEADER}rotateCertificates: "true"\n`, 'rotateCertificates is not true or false'],
    ['a string for a number', `${HEADER}maxPods: "110"\n`, 'maxPods is not a whole number'],
    ['a number of more than 32 bits', `${HEADER}maxPods: 99999999999\n`, 'maxPods is not a whole number'],
    ['a number for a string', `${HEADER}clusterDomain: 1\n`, 'clusterDomain is not a string'],
    ['a string for a list', `${HEADER}clusterDNS: 10.96.0.10\n`, 'clusterDNS is not a list of strings'],
    ['a wrong duration', `${HEADER}syncFrequency: 1d\n`, 'syncFrequency is not a duration'],
    [
      'a string inside',
      `${HEADER}authentication:\n  webhook:\n    enabled: "yes"\n`,
      'authentication.webhook.enabled is not',
    ],
    [
      'feature gates of strings',
      `${HEADER}featureGates:\n  A: "true"\n`,
      'featureGates is not a map of true and false',
    ],
  ])('with %s, in the file of --config or in a drop-in', async (_, text, reason) => {
    expect(await reasons({ [MAIN]: text }, '')).toEqual([expect.stringMatching(new RegExp(`^${MAIN}: .*`))]);
    expect((await reasons({ [MAIN]: text }, '')).join()).toContain(reason);
    const [problem, ...others] = await reasons(withDropIns({ '5.conf': text }));
    expect([problem, others]).toEqual([expect.stringContaining(reason), []]);
    expect(problem).toContain(`${DIRECTORY}/5.conf: the kubelet does not start with its configuration`);
  });

  it('with a repeated field in a drop-in; in the file of --config it takes the last', async () => {
    const text = `${HEADER}staticPodPath: /a\nstaticPodPath: /b\n`;
    expect(await reasons(withDropIns({ '1.conf': text }))).toEqual([expect.stringContaining('a field is repeated')]);
    const main = await read({ [MAIN]: text }, '');
    expect([main.staticPodPath, main.problems]).toEqual(['/b', []]);
  });

  it('not because of a field in the file of --config that it does not know: it decodes the file again, leniently', async () => {
    const found = await read({ [MAIN]: `${HEADER}staticpodpath: /a\nfieldOfAnotherVersion: 1\n` }, '');
    expect([found.staticPodPath, found.problems]).toEqual([undefined, []]);
    expect(found.said).toContain('no field that this kubelet is known to have: staticpodpath');
  });

  it('without the directory of --config-dir, or with a drop-in that is a directory behind a link, or behind a broken link', async () => {
    expect(await reasons({ [MAIN]: HEADER })).toEqual([expect.stringContaining('does not exist')]);
    const link = (target: string): NodeTree => new Map([[hostPath(`${DIRECTORY}/1.conf`), { kind: 'link', target }]]);
    const files = withDropIns({ '2.conf': `${HEADER}staticPodPath: /b\n` });
    expect(await reasons(files, undefined, link('/gone'))).toEqual([expect.stringContaining('does not exist')]);
    expect(await reasons(files, undefined, link('/etc'))).toEqual([expect.stringContaining('not a regular file')]);
  });
});

describe('the container runtime is', () => {
  const CRIO = 'unix:///var/run/crio/crio.sock';
  const INSTANCE = { '/var/lib/kubelet/instance-config.yaml': `containerRuntimeEndpoint: "${CRIO}"\n` };

  it('that of the configuration file, where kubeadm 1.34 and later have it', async () => {
    expect((await read({ [MAIN]: `${HEADER}containerRuntimeEndpoint: ${CRIO}\n`, ...INSTANCE }, '')).endpoint).toBe(
      CRIO,
    );
  });

  it('that of a drop-in, over the file', async () => {
    const files = withDropIns(
      { '1.conf': `${HEADER}containerRuntimeEndpoint: ${CRIO}\n` },
      'containerRuntimeEndpoint: unix:///c\n',
    );
    expect((await read(files)).endpoint).toBe(CRIO);
  });

  // https://github.com/kubernetes/kubernetes/pull/129278: the flag that an upgrade to 1.32 left hides kubeadm's file.
  it('that of the flag in kubeadm-flags.env, over all others', async () => {
    const flag = {
      [ENV]: 'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/containerd/containerd.sock"\n',
    };
    const files = { [MAIN]: `${HEADER}containerRuntimeEndpoint: ${CRIO}\n`, ...INSTANCE, ...flag };
    expect((await read(files, '')).endpoint).toBe('unix:///run/containerd/containerd.sock');
  });

  it("kubeadm's own record, where nothing else names one", async () => {
    const found = await read({ [MAIN]: `${HEADER}containerRuntimeEndpoint: ""\n`, ...INSTANCE }, '');
    expect(found.endpoint).toBe(CRIO);
    expect(found.said).toContain('/var/lib/kubelet/instance-config.yaml, which kubeadm keeps');
    await expect(read({ ...INSTANCE, '/var/lib/kubelet/instance-config.yaml': 'a: [' }, '')).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
    });
  });
});

describe('public reports', () => {
  // https://github.com/kubernetes/kubernetes/issues/124796 (v1.30.0)
  it('of a kubelet that fails with an empty drop-in: the drop-in is named', async () => {
    for (const text of ['', ' ', '\n']) {
      const [reason] = await reasons(withDropIns({ '20-kubelet.conf': text }));
      expect(reason).toContain(`${DIRECTORY}/20-kubelet.conf: the kubelet does not start with its configuration`);
    }
  });

  // https://github.com/kubernetes/kubernetes/pull/136089 (v1.35)
  it('of a drop-in that ends with .yaml and is ignored in silence: it is not read', async () => {
    const files = withDropIns(
      { '99-pods.yaml': `${HEADER}staticPodPath: /ignored\n`, '99.CONF': 'x: [' },
      'staticPodPath: /m\n',
    );
    const found = await read(files);
    expect([found.staticPodPath, found.dropIns, found.problems]).toEqual(['/m', [], []]);
  });

  // https://github.com/kubernetes-sigs/kubespray/pull/11111 (2024)
  it('of reserved processors without quotes: the field is named', async () => {
    const [reason] = await reasons({ [MAIN]: `${HEADER}kubeReserved:\n  cpu: 1\n  memory: 256Mi\n` }, '');
    expect(reason).toContain('kubeReserved is not a map of strings');
    expect(await reasons({ [MAIN]: `${HEADER}kubeReserved:\n  cpu: "1"\n  memory: 256Mi\n` }, '')).toEqual([]);
  });

  // https://github.com/kubernetes/kubernetes/issues/118787 (v1.26.3; the field counts since 1.27)
  it('of a container runtime in the configuration alone: it is that of the file', async () => {
    const endpoint = 'unix:///var/run/containerd/containerd.sock';
    const text = `---\n${HEADER}cgroupDriver: systemd\naddress: 127.0.0.1\ncontainerRuntimeEndpoint: ${endpoint}\nstaticPodPath: /etc/kubernetes/manifests\n`;
    const found = await read({ [MAIN]: text }, '');
    expect([found.endpoint, found.staticPodPath, found.component.flags.get('address')]).toEqual([
      endpoint,
      '/etc/kubernetes/manifests',
      '127.0.0.1',
    ]);
  });

  // https://github.com/kubernetes/kubernetes/issues/121467 (2023)
  it('of a kubeconfig that --config names: it is no configuration of the kubelet', async () => {
    const [reason] = await reasons({ [MAIN]: 'apiVersion: v1\nkind: Config\nclusters: []\n' }, '');
    expect(reason).toContain('not a KubeletConfiguration of kubelet.config.k8s.io/v1beta1');
  });
});
