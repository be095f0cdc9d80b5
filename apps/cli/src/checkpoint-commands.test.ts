import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './cli-process.fixture.ts';

const NAME = 'kube-apiserver-2rdtv';
const SECRETS = `/etc/kubernetes/checkpoint-secrets/kube-system/${NAME}`;
let root: string;

async function plant(file: string, text: string): Promise<void> {
  await mkdir(path.join(root, path.dirname(file)), { recursive: true });
  await writeFile(path.join(root, file), text);
}

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-checkpoints-'));
  const manifest = {
    ...{ kind: 'Pod', apiVersion: 'v1' },
    metadata: {
      ...{ name: NAME, namespace: 'kube-system', labels: { 'k8s-app': 'kube-apiserver' } },
      annotations: { 'checkpointer.alpha.coreos.com/checkpoint-of': NAME },
    },
    spec: {
      volumes: [
        { name: 'secrets', hostPath: { path: `${SECRETS}/kube-apiserver` } },
        { name: 'token', hostPath: { path: `${SECRETS}/default-token-bzn5p` } },
      ],
      containers: [{ name: 'kube-apiserver', image: 'a', command: ['kube-apiserver', '--secure-port=6443'] }],
    },
  };
  const unit = [
    '[Service]',
    'ExecStartPre=/opt/s3-puller.sh bucket/kubeconfig /etc/kubernetes/kubeconfig',
    'ExecStart=/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubeconfig --pod-manifest-path=/etc/kubernetes/manifests',
  ];
  await plant(`/etc/kubernetes/inactive-manifests/kube-system-${NAME}.json`, `${JSON.stringify(manifest)}\n`);
  await plant(`${SECRETS}/kube-apiserver/ca.crt`, 'ca');
  await plant('/etc/kubernetes/manifests/.keep', '');
  await plant('/etc/systemd/system/kubelet.service', unit.join('\n'));
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe('the checkpoints of a node', () => {
  it('are listed with cached and missing objects, and with the unit that overwrites the kubeconfig', async () => {
    const { exitCode, stdout } = await runCli(['manifests', 'list', '--root', root]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('1 checkpointed pod');
    expect(stdout).toMatch(/kube-apiserver +inactive +2 +1 missing +kube-apiserver-2rdtv/);
    expect(stdout).toContain('overwrites the kubeconfig: /etc/systemd/system/kubelet.service:2:');
  });

  it('are listed in JSON', async () => {
    const { stdout } = await runCli(['manifests', 'list', '--root', root, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      result: {
        checkpoints: [{ component: 'kube-apiserver', state: 'inactive', stale: null }],
        kubeconfigWriters: [{ code: 'KUBECONFIG_OVERWRITTEN_AT_START', line: 2 }],
      },
    });
  });

  it('are repaired only on the live node, and only with well-formed keys', async () => {
    const copy = await runCli(['manifests', 'checkpoint', '--root', root, '--yes', '--json']);
    expect(copy.exitCode).toBe(4);
    const wrong = await runCli(['manifests', 'checkpoint', '--root', root, '--dry-run', '--set', 'ca.crt=@ca.crt']);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain('NAMESPACE/SECRET/KEY=@FILE');
  });

  it('are not restarted as static pods: the error names the checkpointer', async () => {
    const { exitCode, stderr } = await runCli(['manifests', 'restart', 'kube-apiserver', '--root', root, '--dry-run']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('and the pod checkpointer keeps it');
    expect(stderr).toContain('code: MANIFEST_UNKNOWN');
    const { stderr: usage } = await runCli(['manifests', 'restart', '--root', root]);
    expect(usage).toContain('missing 1 required arg: name');
    expect(usage).not.toContain('Note:');
  });
});
