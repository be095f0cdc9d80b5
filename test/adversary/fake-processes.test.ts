import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AttackedNode, startAttackedNode, USER } from './attacked-node.fixture.ts';

/** Every program that kube-rescue looks for among the processes, and those that it could. */
const NAMES = [
  ...['kubelet', '/usr/bin/kubelet', 'hyperkube', 'containerd', '/usr/bin/containerd', 'crio', 'dockerd', 'etcd'],
  ...[
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'kube-proxy',
    'pod-checkpointer',
    'flanneld',
    'pause',
  ],
];
/** `$1`: its name, then its arguments. */
const PRETEND = 'name=$1; shift; exec -a "$name" /usr/bin/perl -e "sleep 1000" x "$@"';

/** What root types, with the exit codes that are right: problems found, or refused; a renewal is done. */
const COMMANDS: readonly (readonly [line: string, exits: readonly number[]])[] = [
  ['triage --json', [3]],
  ['certs check --json', [3]],
  ['manifests list --json', [0, 3]],
  ['plan --json', [3, 4]],
  ['recover --dry-run --json', [3, 4]],
  ['etcd status --json', [3, 4]],
  ['cni check --json', [3, 4]],
  ['certs renew --yes --json', [0, 3, 5, 7]],
  ['runs --json', [0]],
];

const KUBECONFIG = (certificate: string, key: string): string => `apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://127.0.0.1:6443"}}]
users: [{name: u, user: {client-certificate-data: ${certificate}, client-key-data: ${key}}}]
`;

describe('a user who pretends to be the components of the node', () => {
  let node: AttackedNode;

  beforeAll(async () => {
    node = await startAttackedNode();
    const { home } = node;
    const made = await node.asUser(
      `mkdir manifests pki net.d && echo 'apiVersion: v1' >manifests/evil.yaml
      openssl req -x509 -newkey rsa:2048 -nodes -keyout evil.key -out evil.crt -days 1 \\
        -subj "/O=system:masters/CN=mallory" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
      openssl req -x509 -newkey rsa:2048 -nodes -keyout pki/kubelet.key -out pki/kubelet.crt -days 1 -subj /CN=node01@1600000000 2>/dev/null
      cp evil.crt pki/kubelet-client-current.pem; cat evil.key >>pki/kubelet-client-current.pem
      printf 'version = 2\\n[plugins."io.containerd.grpc.v1.cri".cni]\\nconf_dir = "%s/net.d"\\nbin_dir = "%s/bin"\\n' "$PWD" "$PWD" >evil.toml
      printf 'apiVersion: kubelet.config.k8s.io/v1beta1\\nkind: KubeletConfiguration\\nstaticPodPath: %s/manifests\\n' "$PWD" >evil.yaml`,
    );
    expect(made).toMatchObject({ exitCode: 0 });
    const base64 = async (name: string): Promise<string> => (await readFile(path.join(home, name))).toString('base64');
    const kubeconfig = KUBECONFIG(await base64('evil.crt'), await base64('evil.key'));
    await node.asUser('printf %s "$1" >evil.conf', kubeconfig);
    const flags = (name: string): readonly string[] => [
      ...(name === 'hyperkube' ? ['kubelet'] : []),
      `--kubeconfig=${home}/evil.conf`,
      `--config=${home}/${name.endsWith('containerd') ? 'evil.toml' : 'evil.yaml'}`,
      `--pod-manifest-path=${home}/manifests`,
      `--cert-dir=${home}/pki`,
      `--tls-cert-file=${home}/pki/kubelet.crt`,
      `--tls-private-key-file=${node.victim}`,
      `--client-ca-file=${home}/evil.crt`,
      `--data-dir=${home}`,
    ];
    for (const name of NAMES) node.start(PRETEND, name, ...flags(name));
    // A program that becomes root in the effective user ID alone, under a name that its caller chose.
    await node.asRoot(`cp /usr/bin/sleep '${home}/../suid' && chmod 4755 '${home}/../suid'`);
    node.start(`exec -a kubelet '${home}/../suid' 1000 --kubeconfig=${home}/evil.conf`);
    const count = async (): Promise<number> =>
      Number((await node.asRoot(`grep -la '${home}' /proc/[0-9]*/cmdline 2>/dev/null | wc -l`)).stdout);
    await vi.waitFor(async () => expect(await count()).toBeGreaterThanOrEqual(NAMES.length), { timeout: 30_000 });
  });
  afterAll(() => node?.remove());

  it.each(COMMANDS)('%s: nothing is believed, followed or overwritten', async (line, exits) => {
    const before = [await node.snapshot(node.home), await readFile(node.victim, 'utf8')];
    const { exitCode, stdout, stderr } = await node.rescue(...line.split(' '));
    expect(exits, `${stdout}\n${stderr}`).toContain(exitCode);
    expect(`${stdout}\n${stderr}`).not.toContain(node.home);
    expect(`${stdout}\n${stderr}`).not.toContain('mallory');
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    expect([await node.snapshot(node.home), await readFile(node.victim, 'utf8')]).toEqual(before);
  });

  it('is named, with the reason', async () => {
    const { stdout, stderr } = await node.rescue('triage', '--json');
    expect(stdout).toMatch(new RegExp(`is called kubelet and is not believed: user ${USER} runs it`));
    expect(stderr).toContain('is called kubelet and is not believed');
    const { result } = JSON.parse(stdout) as {
      readonly result: { readonly components: readonly { name: string; state: string }[] };
    };
    expect(result.components.find(({ name }) => name === 'kubelet')).toMatchObject({ state: 'stopped' });
  });

  it('is not the node whose certificates root has renewed', async () => {
    const issued = execFileSync('openssl', ['x509', '-noout', '-subject', '-issuer'], {
      input: await readFile(path.join(node.home, 'evil.crt')),
    }).toString();
    expect(issued).toContain('issuer=O = system:masters, CN = mallory');
    const { stdout } = await node.rescue('certs', 'check', '--json');
    const { result } = JSON.parse(stdout) as {
      readonly result: { readonly certificates: readonly { id: string; status: string }[] };
    };
    expect(result.certificates.length).toBeGreaterThan(5);
  });
});
