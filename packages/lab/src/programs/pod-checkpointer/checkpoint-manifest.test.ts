import { describe, expect, it } from 'vitest';
import { renderCheckpoint } from './checkpoint-manifest.ts';
import { checkpointDirectories } from './checkpoint-paths.ts';
import { apiServerPod, checkpointerPod } from './parent-pods.fixture.ts';
import { fileOwner, isParent, type Pod } from './pod.ts';

const FOLDERS = checkpointDirectories('/etc/kubernetes');

describe('the manifest of a checkpoint', () => {
  const text = renderCheckpoint(apiServerPod(), FOLDERS).toString();

  it('is one line that begins and ends as the original does', () => {
    expect(text).toMatch(
      /^\{"kind":"Pod","apiVersion":"v1","metadata":\{"name":"kube-apiserver-2rdtv","namespace":"kube-system","creationTimestamp":null,"labels":\{"controller-revision-hash":"7b46b6449c","k8s-app":"kube-apiserver","pod-template-generation":"1"\},"annotations":\{"checkpointer.alpha.coreos.com\/checkpoint-of":"kube-apiserver-2rdtv"\},"ownerReferences":\[\{"apiVersion":"v1","kind":"Pod","name":"kube-apiserver-2rdtv","uid":"325805ad-0000-4000-8000-000000000000","controller":true\}\]\},"spec":\{"volumes":/,
    );
    expect(text).toMatch(/"priority":0\},"status":\{\}\}\n$/);
    expect(text.split('\n')).toHaveLength(2);
  });

  it('has folders of the host in place of Secrets and ConfigMaps, without a type', () => {
    const { spec } = JSON.parse(text) as Pod;
    expect(spec.volumes).toEqual([
      { name: 'ssl-certs-host', hostPath: { path: '/usr/share/ca-certificates', type: '' } },
      {
        name: 'secrets',
        hostPath: { path: '/etc/kubernetes/checkpoint-secrets/kube-system/kube-apiserver-2rdtv/kube-apiserver' },
      },
      {
        name: 'default-token-bzn5p',
        hostPath: { path: '/etc/kubernetes/checkpoint-secrets/kube-system/kube-apiserver-2rdtv/default-token-bzn5p' },
      },
    ]);
    const own = JSON.parse(renderCheckpoint(checkpointerPod(), FOLDERS).toString()) as Pod;
    expect(own.spec.volumes?.[0]).toEqual({
      name: 'kubeconfig',
      hostPath: {
        path: '/etc/kubernetes/checkpoint-configmaps/kube-system/pod-checkpointer-8jms9/kubeconfig-in-cluster',
      },
    });
  });

  it('loses the service account, the affinity and every field younger than its library, and keeps the nodeSelector', () => {
    const { spec } = JSON.parse(text) as Pod;
    expect(Object.keys(spec)).toEqual([
      'volumes',
      'containers',
      'restartPolicy',
      'terminationGracePeriodSeconds',
      'dnsPolicy',
      'nodeSelector',
      'nodeName',
      'hostNetwork',
      'securityContext',
      'schedulerName',
      'tolerations',
      'priority',
    ]);
    expect(spec.containers?.[0]).not.toHaveProperty('startupProbe');
  });

  it('escapes what Go escapes', () => {
    expect(text).toContain(String.raw`--feature=\u003ca\u0026b\u003e`);
  });

  it('is the same again, byte for byte, when it is read back', () => {
    expect(renderCheckpoint(JSON.parse(text) as Pod, FOLDERS).toString()).toBe(text);
  });
});

describe('a parent', () => {
  it('asks for it, and is neither a static pod nor a checkpoint', () => {
    const { metadata, spec } = apiServerPod();
    const annotated = (annotations: Record<string, string>): boolean =>
      isParent({ metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } }, spec });
    expect(annotated({})).toBe(true);
    expect(annotated({ 'checkpointer.alpha.coreos.com/checkpoint': 'false' })).toBe(false);
    expect(annotated({ 'kubernetes.io/config.source': 'file' })).toBe(false);
    expect(annotated({ 'checkpointer.alpha.coreos.com/checkpoint-of': 'x' })).toBe(false);
  });

  it('gives its files to its user and group, and has but one user', () => {
    const { metadata } = apiServerPod();
    expect(fileOwner({ metadata, spec: {} })).toEqual({ uid: 0, gid: 0 });
    const spec = { securityContext: { fsGroup: 7 }, containers: [{ securityContext: { runAsUser: 5 } }] };
    expect(fileOwner({ metadata, spec })).toEqual({ uid: 5, gid: 7 });
    const quarrel = { ...spec, securityContext: { runAsUser: 6 } };
    expect(() => fileOwner({ metadata, spec: quarrel })).toThrow('conflicting SecurityContext.RunAsUser');
  });
});
