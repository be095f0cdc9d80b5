import { expect, it } from 'vitest';
import { renderRotationSet } from './rotation-set.ts';

const pair = (name: string) => ({ certificate: `<${name}>\n`, key: `<key of ${name}>\n` });
const kube = (which: string) => ({
  ca: pair(`${which} ca`),
  apiserver: pair(`${which} apiserver`),
  kubelet: pair(`${which} kubelet`),
});

it('a set of tls_rotate has a CA bundle in its first stage, new leaves in its second, and only the new CA in its third', () => {
  const files = renderRotationSet({
    current: { kube: kube('old'), etcdCaPair: pair('old etcd ca'), etcdClient: pair('old client') },
    kube: kube('new'),
    etcd: { ca: pair('etcd ca'), server: pair('server'), peer: pair('peer'), client: pair('client') },
    tectonic: {
      'ingress-server': pair('ingress'),
      'identity-grpc-client': pair('grpc client'),
      'identity-grpc-server': pair('grpc server'),
    },
  });
  const patched = (path: string): Record<string, string> => {
    const lines = [...(files[path]?.split('\ndata:')[1] ?? '').matchAll(/^ {2}(\S+): (\S+)$/gm)];
    return Object.fromEntries(lines.map(([, key = '', data = '']) => [key, Buffer.from(data, 'base64').toString()]));
  };
  const bundle = '<old ca>\n<new ca>\n';
  expect(patched('patches/step_1/kube-apiserver-secret.patch')).toEqual({ 'ca.crt': bundle, 'oidc-ca.crt': bundle });
  expect(patched('patches/step_2/kube-apiserver-secret.patch')).toEqual({
    'apiserver.crt': '<new apiserver>\n',
    'apiserver.key': '<key of new apiserver>\n',
  });
  expect(patched('patches/step_3/kube-controller-manager-secret.patch')).toEqual({ 'ca.crt': '<new ca>\n' });
  expect(files['tls/etcd/old_new_ca.crt']).toBe('<old etcd ca>\n<etcd ca>\n');
  expect(files['auth/kubeconfig']).toBe(files['patches/step_1/bundle_kubeconfig']);
  const unnamed = 'contexts:\n- context:\n    cluster: my-cluster\n    user: kubelet\n';
  expect(files['patches/step_3/final_kubeconfig']?.endsWith(unnamed)).toBe(true);
  expect(files['patches/step_1/ingress-tls.patch']).toContain(
    'kind: Secret\nmetadata:\n  name: tectonic-ingress-tls-secret\n  namespace: tectonic-system\ndata:\n',
  );
});
