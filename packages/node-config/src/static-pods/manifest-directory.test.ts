import { hostPath } from '@kube-rescue/host';
import { createFakeHost, expectCode, staticPodManifests, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { componentFlags } from '../components/component-flags.ts';
import { healthUrl } from './health-url.ts';
import { readStaticPod, readStaticPods } from './manifest-directory.ts';
import { MAX_MANIFEST_BYTES } from './manifest-source.ts';
import { hostPathOf } from './static-pod.ts';

const FOLDER = hostPath('/etc/kubernetes/manifests');
const read = (files: Record<string, string>) =>
  readStaticPods(
    { directory: FOLDER },
    {
      host: createFakeHost({
        tree: treeOf(Object.fromEntries(Object.entries(files).map(([name, text]) => [`${FOLDER}/${name}`, text]))),
      }),
    },
  );
const readOne = async (text: string) => (await read({ 'pod.yaml': text })).pods[0];
const problemsOf = async (files: Record<string, string>) =>
  (await read(files)).problems.map(({ code, message }) => `${code} ${message}`);

const pod = (spec: string, metadata = 'name: web') =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  ${metadata}\nspec:\n${spec}`;

describe('the manifests of kubeadm are read', () => {
  const files = staticPodManifests({
    nodeName: 'cp1',
    address: '10.0.0.10',
    certificatesDir: hostPath('/etc/kubernetes/pki'),
  });

  it('each as its component, with its flags and the address of its probe', async () => {
    const { pods, problems } = await read(files);
    expect(problems).toEqual([]);
    expect(pods.map(({ component, namespace, hostNetwork }) => [component, namespace, hostNetwork])).toEqual(
      ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => [
        name,
        'kube-system',
        true,
      ]),
    );
    expect(pods.map(healthUrl)).toEqual([
      'http://127.0.0.1:2381/health',
      'https://10.0.0.10:6443/readyz',
      'https://127.0.0.1:10257/healthz',
      'https://127.0.0.1:10259/healthz',
    ]);
    const flags = pods.map((each) => componentFlags(each));
    expect(flags.map((each) => each?.unmapped)).toEqual([[], [], [], []]);
    expect(flags[1]?.flags.get('etcd-certfile')).toBe('/etc/kubernetes/pki/apiserver-etcd-client.crt');
    expect(flags[1]?.flags.get('secure-port')).toBe('6443');
    expect(flags[3]?.flags.get('kubeconfig')).toBe('/etc/kubernetes/scheduler.conf');
  });

  it('and other files are ignored as by the kubelet', async () => {
    const { pods, skipped } = await read({
      'a.json': JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'a' },
        spec: { containers: [{ name: 'a' }] },
      }),
      '.hidden.yaml': 'x',
      'folder/b.yaml': 'x',
    });
    expect(pods.map(({ component, namespace }) => [component, namespace])).toEqual([['a', 'default']]);
    expect(skipped).toEqual([`${FOLDER}/.hidden.yaml`, `${FOLDER}/folder`]);
  });
});

describe('paths in a container are mapped to the host', () => {
  const web = pod(`  containers:
  - name: kube-apiserver
    command: [kube-apiserver]
    args: [--tls-cert-file=/pki/tls/a.crt, --client-ca-file=/pki/ca.crt, --kubeconfig, /etc/app.conf, --audit-log-path=/var/log/a,
      '--tls-sni-cert-key=/pki/a.crt,/pki/a.key:*.example', --etcd-prefix=/registry, --etcd-cafile=/pki-old/ca, --service-account-key-file=$(SA), --proxy-client-cert-file=/sub/x]
    env: [{name: SA, value: /pki/sa.pub}, {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
    volumeMounts:
    - {name: pki, mountPath: /pki}
    - {name: tls, mountPath: /pki/tls/}
    - {name: conf, mountPath: /etc/app.conf}
    - {name: pki, mountPath: /sub, subPath: inner/sub}
    - {name: empty, mountPath: /var/log}
  volumes:
  - {name: pki, hostPath: {path: /opt/pki, type: Directory}}
  - {name: tls, hostPath: {path: /opt/tls/}}
  - {name: conf, hostPath: {path: /opt/app.conf, type: File}}
  - {name: empty, emptyDir: {}}
`);

  it('by the longest mount, through files, sub-paths and variables; other paths are reported', async () => {
    const found = await readOne(web);
    const flags = found && componentFlags(found);
    expect(Object.fromEntries(flags?.flags ?? [])).toEqual({
      'tls-cert-file': '/opt/tls/a.crt',
      'client-ca-file': '/opt/pki/ca.crt',
      kubeconfig: '/opt/app.conf',
      'audit-log-path': '/var/log/a',
      'tls-sni-cert-key': '/opt/pki/a.crt,/opt/pki/a.key:*.example',
      'etcd-prefix': '/registry',
      'etcd-cafile': '/pki-old/ca',
      'service-account-key-file': '/opt/pki/sa.pub',
      'proxy-client-cert-file': '/opt/pki/inner/sub/x',
    });
    expect(flags?.unmapped).toEqual(['audit-log-path', 'etcd-cafile']);
  });

  it('but not when only the running pod knows the path', async () => {
    const found = await readOne(
      pod(
        '  containers:\n  - {name: c, volumeMounts: [{name: r, mountPath: /logs, subPathExpr: $(POD_NAME)}]}\n  volumes: [{name: r, hostPath: {path: /var/log}}]\n',
      ),
    );
    expect(found && hostPathOf(found.main, hostPath('/logs/a'))).toBeUndefined();
  });

  it('also when the root of the host is mounted', async () => {
    const found = await readOne(
      pod(
        '  containers:\n  - {name: c, volumeMounts: [{name: r, mountPath: /host}]}\n  volumes: [{name: r, hostPath: {path: /}}]\n',
      ),
    );
    expect(found && hostPathOf(found.main, hostPath('/host/etc/x'))).toBe('/etc/x');
    expect(found && hostPathOf(found.main, hostPath('/host'))).toBe('/');
    expect(found && hostPathOf(found.main, hostPath('/hostile'))).toBeUndefined();
  });
});

describe('probes get the defaults of Kubernetes', () => {
  const probed = (httpGet: string, more = '') =>
    readOne(pod(`  containers:\n  - {name: c, livenessProbe: {httpGet: ${httpGet}}}\n${more}`));
  it.each([
    ['{port: 80}', '  hostNetwork: true\n', 'http://127.0.0.1:80/'],
    ['{port: "443", scheme: HTTPS, path: x?y=1, host: "::1"}', '', 'https://[::1]:443/x?y=1'],
    ['{port: 80}', '', undefined],
  ])('%s', async (httpGet, more, url) => {
    const found = await probed(httpGet, more);
    expect(found && healthUrl(found)).toBe(url);
  });

  it('and an API server is probed by readiness, as liveness ignores etcd', async () => {
    const found = await readOne(
      pod(
        '  containers:\n  - {name: a, command: [kube-apiserver], livenessProbe: {httpGet: {host: 10.0.0.1, port: 6443, path: /livez, scheme: HTTPS}}}\n',
      ),
    );
    expect(found && healthUrl(found)).toBe('https://10.0.0.1:6443/readyz');
  });

  it('and a port may have a name', async () => {
    const found = await readOne(
      pod(
        '  hostNetwork: true\n  containers:\n  - {name: c, ports: [{name: probe-port, containerPort: 6443}], readinessProbe: {httpGet: {port: probe-port}}}\n',
      ),
    );
    expect(found?.main.probes.readiness?.port).toBe(6443);
  });
});

describe('etcd without flags', () => {
  it('is read from its environment, which flags override', async () => {
    const found = await readOne(
      pod(
        '  containers:\n  - {name: etcd, command: [etcd, --key-file=/k], env: [{name: ETCD_CERT_FILE, value: /c}, {name: ETCD_KEY_FILE, value: /no}]}\n',
      ),
    );
    expect(Object.fromEntries(found?.main.flags ?? [])).toEqual({ 'cert-file': '/c', 'key-file': '/k' });
  });
});

describe('a file that is plainly no manifest is passed over, as by the kubelet', () => {
  const good = pod('  containers: [{name: c}]');
  it.each([
    ['README', 'Static pods\n===========\nedited by: ansible\n'],
    ['README.md', '# Manifests\n\n- one: [\n'],
    ['kube-apiserver.yaml.bak', 'see the wiki for the old version\n'],
    ['kube-apiserver.yaml.bak', ''],
    ['core', 'a\0b'],
    ['kube-system.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n'],
  ])('%s', async (name, text) => {
    const { pods, problems, passedOver } = await read({ [name]: text, 'good.yaml': good });
    expect([pods.length, problems]).toEqual([1, []]);
    expect(passedOver).toMatchObject([{ code: 'MANIFEST_PASSED_OVER', subject: `${FOLDER}/${name}` }]);
  });

  it.each([
    ['a manifest that is torn', 'kube-apiserver.yaml', 'apiVersion: v1\nkind: Pod\nspec: {containers: [\n'],
    ['one that has lost its first lines', 'apiserver', '  containers:\n  - {name: kube-apiserver\n'],
    ['one that has lost its kind', 'apiserver', 'metadata: {name: a}\n'],
    ['one that is empty', 'kube-apiserver.yaml', ''],
    ['one of which a word is left', 'kube-apiserver.yaml', 'apiVers'],
    ['another object in the file of a component', 'etcd.yaml', 'apiVersion: v1\nkind: ConfigMap\n'],
    ['one without an ending', 'kube-apiserver', 'apiVers'],
    ['one in UTF-16', 'apiserver', Buffer.from('kind: Pod\nspec: {}\n', 'utf16le').toString('latin1')],
    ['one with a misspelt kind', 'apiserver', good.replace('Pod', 'pod')],
    ['an object that would run containers', 'web', 'apiVersion: apps/v1\nkind: Deployment\nspec: {template: {}}\n'],
  ])('but not %s', async (_title, name, text) => {
    const { problems, passedOver } = await read({ [name]: text, 'good.yaml': good });
    expect(passedOver).toEqual([]);
    expect(problems).toMatchObject([{ code: 'MANIFEST_INVALID', subject: `${FOLDER}/${name}` }]);
  });
});

describe('an invalid manifest is reported and does not hide valid ones', () => {
  it.each([
    [
      'not a pod',
      'apiVersion: apps/v1\nkind: Deployment\n',
      'MANIFEST_INVALID the manifest is not a v1 Pod (Deployment)',
    ],
    [
      'a syntax error',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: [\n',
      'MANIFEST_INVALID malformed manifest, line 4',
    ],
    [
      'two documents',
      `${pod('  containers: [{name: c}]')}\n---\nkind: Pod\n`,
      'MANIFEST_INVALID the file holds 2 documents',
    ],
    [
      'duplicate keys',
      'apiVersion: v1\nkind: Pod\nkind: Pod\n',
      'MANIFEST_INVALID malformed manifest, line 3: map keys must be unique',
    ],
    ['an empty file', '', 'MANIFEST_INVALID the manifest is empty'],
    ['comments only', '# nothing\n---\n', 'MANIFEST_INVALID the manifest is empty'],
    ['a list', '- a\n', 'MANIFEST_INVALID the manifest is not an object'],
    ['a binary', 'a\0b', 'MANIFEST_INVALID the manifest is binary'],
    ['no containers', pod('  containers: []'), 'MANIFEST_INVALID the pod has no containers'],
    [
      'a number in a command',
      pod('  containers: [{name: c, command: [1]}]'),
      'MANIFEST_INVALID spec.containers[0].command is not a string',
    ],
    [
      'a port that is none',
      pod('  containers: [{name: c, livenessProbe: {httpGet: {port: web}}}]'),
      'MANIFEST_INVALID spec.containers[0].livenessProbe.httpGet.port is not a port',
    ],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]\n`,
      'MANIFEST_INVALID the aliases',
    ],
    ['deep nesting', '['.repeat(20_000), 'MANIFEST_INVALID malformed manifest'],
    ['a huge file', `#${'x'.repeat(MAX_MANIFEST_BYTES)}`, 'MANIFEST_TOO_LARGE the file has'],
  ])('%s', async (_, text, expected) => {
    const problems = await problemsOf({ 'bad.yaml': text, 'good.yaml': pod('  containers: [{name: c}]') });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it('with a subject and a hint, without quoting the file', async () => {
    const { problems } = await read({ 'bad.yaml': 'apiVersion: v1\nkind: Pod\nmetadata:\n  token: "s3cr3t\n' });
    expect(problems[0]).toMatchObject({ subject: `${FOLDER}/bad.yaml`, hint: expect.stringContaining('line') });
    expect(JSON.stringify([problems[0]?.message, problems[0]?.hint])).not.toContain('s3cr3t');
  });

  it('and a backup copy is a duplicate pod', async () => {
    const text = pod('  containers: [{name: c}]');
    expect(await problemsOf({ 'web.yaml': text, 'web.yaml.bak': text })).toEqual([
      'MANIFEST_DUPLICATE the pod default/web is already in web.yaml',
    ]);
  });

  it('a timestamp without quotes is a string, as for the kubelet', async () => {
    const found = await readOne(
      pod('  containers: [{name: c}]', 'name: web\n  annotations: {at: 2026-11-22T10:00:00Z, b: 1:30}'),
    );
    expect(Object.fromEntries(found?.annotations ?? [])).toEqual({ at: '2026-11-22T10:00:00Z', b: '1:30' });
  });

  it('a missing directory and a missing file are refused', async () => {
    const host = createFakeHost();
    await expectCode(readStaticPods({ directory: FOLDER }, { host }), 'MANIFEST_DIRECTORY_MISSING');
    await expectCode(readStaticPod(hostPath(`${FOLDER}/x.yaml`), { host }), 'MANIFEST_NOT_FOUND');
  });
});
