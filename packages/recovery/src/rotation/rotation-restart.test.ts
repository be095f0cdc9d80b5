import { type HostPath, hostPath } from '@kube-rescue/host';
import type { NodeTree, TreeEntry } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { nodeOf, pki } from '../gates/gate-node.fixture.ts';
import type { RotationInput } from './rotation-input.ts';
import { createRotationRestartStep } from './rotation-restart.ts';

const { signal } = new AbortController();
const PKI = '/etc/kubernetes/pki';
const MANIFEST = '/etc/kubernetes/manifests/kube-apiserver.yaml';

const webhook = (ca: string): string =>
  `apiVersion: v1\nkind: Config\nclusters:\n- name: w\n  cluster:\n    server: https://w.example\n    certificate-authority-data: ${Buffer.from(ca).toString('base64')}\nusers: []\ncontexts: []\n`;

function textIn(tree: NodeTree, path: string): string {
  const entry = tree.get(hostPath(path));
  return entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
}

/** The node with a flag of the API server and files. */
function treeWith(flag: string, files: Readonly<Record<string, string>>): NodeTree {
  const tree = new Map<HostPath, TreeEntry>(pki.tree);
  const put = (path: string, text: string): void =>
    void tree.set(hostPath(path), { kind: 'file', bytes: Buffer.from(text), mode: 0o600 });
  const manifest = textIn(tree, MANIFEST);
  put(
    MANIFEST,
    manifest.replace(/^( *- )kube-apiserver$/m, (line, dash: string) => `${line}\n${dash}${flag}`),
  );
  for (const [path, text] of Object.entries(files)) put(path, text);
  return tree;
}

async function restarts(
  tree: NodeTree,
  stage: RotationInput['stages'][number] = 'trust',
  ca: RotationInput['ca'] = 'cluster',
): Promise<readonly string[]> {
  const input: RotationInput = { ca, stages: [stage] };
  const step = createRotationRestartStep(stage, { id: 'restart', requires: [] }, input, nodeOf({}, true, tree));
  // The fixture has no service manager, so the step is blocked after it has named what it would restart.
  const { evidence } = await step.check(signal);
  const reasons = evidence.filter((line) => / (?:must|reads) /.test(line));
  return reasons.map((line) => line.replace(/ (?:must|reads) .*$/, '')).toSorted();
}

const clusterCa = textIn(pki.tree, `${PKI}/ca.crt`);
const frontProxyCa = textIn(pki.tree, `${PKI}/front-proxy-ca.crt`);
const OTHERS = ['kube-controller-manager', 'kube-scheduler', 'the kubelet'];

describe('a rotation of the cluster CA', () => {
  it('does not restart the API server of kubeadm, which reloads its CA', async () => {
    expect(await restarts(pki.tree)).toEqual(OTHERS);
  });

  // https://github.com/platform-mesh/platform-mesh/issues/307: the API server keeps the CA of its start for a webhook.
  it.each([
    ['authentication-token-webhook-config-file'],
    ['authorization-webhook-config-file'],
    ['audit-webhook-config-file'],
  ])('restarts an API server whose kubeconfig of --%s trusts the CA', async (flag) => {
    const tree = treeWith(`--${flag}=${PKI}/hook.conf`, { [`${PKI}/hook.conf`]: webhook(clusterCa) });
    expect(await restarts(tree)).toEqual(['kube-apiserver', ...OTHERS]);
  });

  it.each([
    [
      '--authorization-config',
      'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n- type: Webhook\n  name: w\n  webhook:\n    connectionInfo: {type: KubeConfigFile, kubeConfigFile: /etc/kubernetes/pki/hook.conf}\n',
    ],
    [
      '--admission-control-config-file',
      'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: ValidatingAdmissionWebhook\n  configuration: {kind: WebhookAdmissionConfiguration, kubeConfigFile: /etc/kubernetes/pki/hook.conf}\n',
    ],
    [
      '--egress-selector-config-file',
      'apiVersion: apiserver.k8s.io/v1beta1\nkind: EgressSelectorConfiguration\negressSelections:\n- name: cluster\n  connection:\n    transport: {tcp: {url: "https://k.example", tlsConfig: {caBundle: /etc/kubernetes/pki/ca.crt}}}\n',
    ],
  ])('restarts it where the configuration of %s leads to the CA', async (flag, configuration) => {
    const files = { [`${PKI}/named.yaml`]: configuration, [`${PKI}/hook.conf`]: webhook(clusterCa) };
    expect(await restarts(treeWith(`${flag}=${PKI}/named.yaml`, files))).toContain('kube-apiserver');
  });

  it.each(['kubelet-certificate-authority', 'oidc-ca-file'])('restarts it for --%s', async (flag) => {
    expect(await restarts(treeWith(`--${flag}=${PKI}/ca.crt`, {}))).toContain('kube-apiserver');
  });

  it('does not restart it for the kubeconfig of a webhook with another CA', async () => {
    const files = { [`${PKI}/hook.conf`]: webhook(frontProxyCa) };
    const tree = treeWith(`--audit-webhook-config-file=${PKI}/hook.conf`, files);
    expect(await restarts(tree)).toEqual(OTHERS);
    expect(await restarts(tree, 'trust', 'front-proxy')).toEqual(['kube-apiserver']);
  });

  it('does not restart it for static webhook configurations, which the API server reloads', async () => {
    const hooks = `kind: ValidatingWebhookConfiguration\nwebhooks:\n- clientConfig:\n    caBundle: ${Buffer.from(clusterCa).toString('base64')}\n`;
    const configuration = `kind: AdmissionConfiguration\nplugins:\n- name: ValidatingAdmissionWebhook\n  configuration: {kind: WebhookAdmissionConfiguration, staticManifestsDir: ${PKI}/hooks}\n`;
    const files = { [`${PKI}/admission.yaml`]: configuration, [`${PKI}/hooks/a.yaml`]: hooks };
    expect(await restarts(treeWith(`--admission-control-config-file=${PKI}/admission.yaml`, files))).toEqual(OTHERS);
  });

  it('does not restart it for an AuthenticationConfiguration, which the API server reloads', async () => {
    const indented = clusterCa.replaceAll(/^(?=.)/gm, '      ');
    const configuration = `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://i.example\n    certificateAuthority: |\n${indented}`;
    const tree = treeWith(`--authentication-config=${PKI}/authn.yaml`, { [`${PKI}/authn.yaml`]: configuration });
    expect(await restarts(tree)).toEqual(OTHERS);
  });
});
