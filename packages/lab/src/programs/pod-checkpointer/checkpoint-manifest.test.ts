import { describe, expect, it } from 'vitest';
import { renderCheckpoint } from './checkpoint-manifest.ts';
import { checkpointDirectories } from './checkpoint-paths.ts';
import { apiServerPod, checkpointerPod } from './parent-pods.fixture.ts';
import { fileOwner, isParent, type Pod } from './pod.ts';

const DIRECTORIES = checkpointDirectories('/etc/kubernetes');

describe('the manifest of a checkpoint', () => {
  const text = renderCheckpoint(apiServerPod(), DIRECTORIES).toString();

  it('is one line in the format of the original', () => {
    expect(text).toMatch(
      /^\{"kind":"Pod","apiVersion":"v1","metadata":\{"name":"kube-apiserver-2rdtv","namespace":"kube-system","creationTimestamp":null,"labels":\{"controller-revision-hash":"7b46b6449c","k8s-app":"kube-apiserver","pod-template-generation":"1"\},"annotations":\{"checkpointer.alpha.coreos.com\/checkpoint-of":"kube-apiserver-2rdtv"\},"ownerReferences":\[\{"apiVersion":"v1","kind":"Pod","name":"kube-apiserver-2rdtv","uid":"325805ad-0000-4000-8000-000000000000","controller":true\}\]\},"spec":\{"volumes":/,
    );
    expect(text).toMatch(/"priority":0\},"status":\{\}\}\n$/);
    expect(text.split('\n')).toHaveLength(2);
  });

  it('replaces Secrets and ConfigMaps by host paths without a type', () => {
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
    const own = JSON.parse(renderCheckpoint(checkpointerPod(), DIRECTORIES).toString()) as Pod;
    expect(own.spec.volumes?.[0]).toEqual({
      name: 'kubeconfig',
      hostPath: {
        path: '/etc/kubernetes/checkpoint-configmaps/kube-system/pod-checkpointer-8jms9/kubeconfig-in-cluster',
      },
    });
  });

  it('drops the service account, the affinity and every field newer than its library, and keeps the nodeSelector', () => {
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

  it('escapes as Go does', () => {
    expect(text).toContain(String.raw`--feature=\u003ca\u0026b\u003e`);
  });

  it('is rendered to the same bytes when it is read back', () => {
    expect(renderCheckpoint(JSON.parse(text) as Pod, DIRECTORIES).toString()).toBe(text);
  });
});

describe('a parent pod', () => {
  it('has the checkpoint annotation, and is neither a static pod nor a checkpoint', () => {
    const { metadata, spec } = apiServerPod();
    const annotated = (annotations: Record<string, string>): boolean =>
      isParent({ metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } }, spec });
    expect(annotated({})).toBe(true);
    expect(annotated({ 'checkpointer.alpha.coreos.com/checkpoint': 'false' })).toBe(false);
    expect(annotated({ 'kubernetes.io/config.source': 'file' })).toBe(false);
    expect(annotated({ 'checkpointer.alpha.coreos.com/checkpoint-of': 'x' })).toBe(false);
  });

  it('owns its files by its user and group, and has one user', () => {
    const { metadata } = apiServerPod();
    expect(fileOwner({ metadata, spec: {} })).toEqual({ uid: 0, gid: 0 });
    const spec = { securityContext: { fsGroup: 7 }, containers: [{ securityContext: { runAsUser: 5 } }] };
    expect(fileOwner({ metadata, spec })).toEqual({ uid: 5, gid: 7 });
    const conflicting = { ...spec, securityContext: { runAsUser: 6 } };
    expect(() => fileOwner({ metadata, spec: conflicting })).toThrow('conflicting SecurityContext.RunAsUser');
  });
});
