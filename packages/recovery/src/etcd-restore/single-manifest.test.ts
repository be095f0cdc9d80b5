import { type HostPath, hostPath } from '@kube-rescue/host';
import { readStaticPod } from '@kube-rescue/node-config';
import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { nameThisMemberAlone } from './single-manifest.ts';

const MANIFEST: HostPath = hostPath('/etc/kubernetes/manifests/etcd.yaml');

/** As kubeadm writes it for a control plane that joins. */
const JOINED = `apiVersion: v1
kind: Pod
metadata:
  labels:
    component: etcd
  name: etcd
  namespace: kube-system
spec:
  containers:
  - command:
    - etcd
    - --initial-advertise-peer-urls=https://10.0.0.3:2380
    - --initial-cluster=cp2=https://10.0.0.2:2380,cp1=https://10.0.0.1:2380,cp3=https://10.0.0.3:2380
    - --initial-cluster-state=existing
    - --name=cp3
    image: registry.k8s.io/etcd:3.6.5-0
    name: etcd
  hostNetwork: true
`;

async function edit(text: string): Promise<string | undefined> {
  const host = createFakeHost({ tree: treeOf({ [MANIFEST]: text }) });
  return nameThisMemberAlone(await readStaticPod(MANIFEST, { host }));
}

it('the manifest of a control plane that had joined names that member alone, as a new cluster', async () => {
  const alone = '"--initial-cluster=cp3=https://10.0.0.3:2380"';
  const edited = JOINED.replace(/--initial-cluster=.*/, alone).replace('state=existing', 'state=new');
  expect(await edit(JOINED)).toBe(edited);
  // Once it is so, nothing is left to edit.
  expect(await edit(edited)).toBeUndefined();
});

it('the manifest of the first control plane, which names itself alone, stays as it is', async () => {
  const first = JOINED.replace(/--initial-cluster=.*/, '--initial-cluster=cp3=https://10.0.0.3:2380').replace(
    / {4}- --initial-cluster-state=existing\n/,
    '',
  );
  expect(await edit(first)).toBeUndefined();
});

it('a manifest whose list of members is shared with another value is refused, before anything is written', async () => {
  await expect(edit(JOINED.replace('- --initial-cluster=', '- &list --initial-cluster='))).rejects.toMatchObject({
    code: 'MANIFEST_UNEDITABLE',
  });
});
