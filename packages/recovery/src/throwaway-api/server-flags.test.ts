import { hostPath } from '@kube-rescue/host';
import type { ComponentFlags } from '@kube-rescue/node-config';
import { describe, expect, it } from 'vitest';
import { serverArguments } from './server-flags.ts';

const OWN = hostPath('/run/kube-rescue-api-1');
const files = {
  ...{ directory: OWN, certificate: hostPath(`${OWN}/server.crt`), key: hostPath(`${OWN}/server.key`) },
  ...{ tokens: hostPath(`${OWN}/tokens.csv`), policy: hostPath(`${OWN}/policy.jsonl`) },
  ...{ egress: hostPath(`${OWN}/egress.yaml`), tokenKey: hostPath(`${OWN}/sa.key`) },
};
const etcd = { endpoint: 'https://127.0.0.1:2379', ca: undefined, client: undefined };

function argumentsFor(flags: Readonly<Record<string, string>>, isWritable = false): readonly string[] {
  const node: ComponentFlags = {
    component: 'kube-apiserver',
    source: hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml'),
    flags: new Map(Object.entries(flags)),
  };
  return serverArguments({ node, etcd, files, port: 6443, isWritable });
}

const DISABLED = 'MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ImagePolicyWebhook';

describe('the flags of a throwaway API server', () => {
  it('take from the node what decides how objects are stored and named', () => {
    const storage = {
      'etcd-prefix': '/other',
      'encryption-provider-config': '/etc/kubernetes/encryption.yaml',
      'storage-media-type': 'application/json',
      'feature-gates': 'A=true',
      'runtime-config': 'api/alpha=true',
      'service-cluster-ip-range': '10.9.0.0/16',
    };
    const words = argumentsFor(storage);
    for (const [name, value] of Object.entries(storage)) expect(words).toContain(`--${name}=${value}`);
  });

  it('take nothing that is written to, called, or that decides who may read', () => {
    const words = argumentsFor({
      ...{ 'audit-log-path': '/var/log/audit', 'audit-webhook-config-file': '/a', 'client-ca-file': '/ca.crt' },
      ...{ 'authorization-mode': 'Node,RBAC', 'authentication-token-webhook-config-file': '/b' },
      ...{ 'bind-address': '0.0.0.0', 'secure-port': '6444', 'advertise-address': '10.0.0.1' },
      ...{ 'kubelet-client-certificate': '/k.crt', 'service-account-signing-key-file': '/sa.key' },
      ...{ 'enable-admission-plugins': 'NodeRestriction', 'token-auth-file': '/tokens' },
    });
    expect(
      words.filter((word) => /audit|client-ca|Node,RBAC|webhook-config|0\.0\.0\.0|6444|kubelet/.test(word)),
    ).toEqual([]);
    expect(words).toEqual(
      expect.arrayContaining([
        ...['--bind-address=127.0.0.1', '--secure-port=6443', '--endpoint-reconciler-type=none'],
        ...['--authorization-mode=ABAC', `--token-auth-file=${OWN}/tokens.csv`],
        ...[`--service-account-signing-key-file=${OWN}/sa.key`, `--disable-admission-plugins=${DISABLED}`],
      ]),
    );
    expect(words.filter((word) => word.startsWith('--enable-admission-plugins'))).toEqual([]);
  });

  it('of a writable one have the admission of the node, without what calls out', () => {
    const words = argumentsFor(
      { 'enable-admission-plugins': 'NodeRestriction,ImagePolicyWebhook', 'disable-admission-plugins': 'Priority' },
      true,
    );
    expect(words).toContain('--enable-admission-plugins=NodeRestriction');
    expect(words).toContain(`--disable-admission-plugins=Priority,${DISABLED}`);
  });

  it('name each flag once', () => {
    const names = argumentsFor({ 'service-cluster-ip-range': '10.9.0.0/16' }, true).map((word) => word.split('=')[0]);
    expect(new Set(names).size).toBe(names.length);
  });
});
