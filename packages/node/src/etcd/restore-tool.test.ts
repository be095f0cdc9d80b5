import { describe, expect, it } from 'vitest';
import { nameRestoreCommand, readImageVersion } from './restore-tool.ts';

describe('the command that restores a snapshot of etcd', () => {
  it.each([
    ['3.4.23', '`etcdctl snapshot restore`'],
    ['3.5.0', '`etcdutl snapshot restore`'],
    // https://github.com/kubernetes-sigs/etcd-manager/pull/64 and https://github.com/bitnami/charts/issues/34017
    ['3.6.5', '`etcdutl snapshot restore`'],
    ['3.10.1', '`etcdutl snapshot restore`'],
    ['4.0.0', '`etcdutl snapshot restore`'],
    [undefined, '`etcdutl snapshot restore` (before etcd 3.5: `etcdctl snapshot restore`)'],
    ['latest', '`etcdutl snapshot restore` (before etcd 3.5: `etcdctl snapshot restore`)'],
  ])('of etcd %s is %s', (version, command) => {
    expect(nameRestoreCommand(version)).toBe(command);
  });
});

describe('the version in an image', () => {
  it.each([
    ['registry.k8s.io/etcd:3.6.5-0', '3.6.5'],
    ['quay.io/coreos/etcd:v3.5.9', '3.5.9'],
    ['mirror.example:5000/etcd:3.4.3-0@sha256:0123456789abcdef', '3.4.3'],
    ['mirror.example:5000/etcd', undefined],
    ['mirror.example:3.4.3/etcd', undefined],
    ['registry.k8s.io/etcd@sha256:0123456789abcdef', undefined],
    ['etcd:latest', undefined],
    ['', undefined],
  ])('%s is %s', (image, version) => {
    expect(readImageVersion(image)).toBe(version);
  });
});
