import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { locateNetworkDirectories } from './network-directories.ts';

const DOCKER = 'unix:///var/run/cri-dockerd.sock';
const UNIT = '/etc/systemd/system/cri-docker.service';
const CONTAINERD = '[plugins."io.containerd.grpc.v1.cri".cni]\nconf_dir = "/of-containerd"\n';

function locate(endpoint: string, files: Readonly<Record<string, string>>) {
  const flags = new Map([['container-runtime-endpoint', endpoint]]);
  return locateNetworkDirectories({ flags, source: 'kubelet' }, createFakeHost({ tree: treeOf(files) }));
}

it('cri-dockerd has the directories in its own flags, whatever containerd below Docker has', async () => {
  const files = {
    '/etc/containerd/config.toml': CONTAINERD,
    [UNIT]:
      '[Service]\nExecStart=/usr/bin/cri-dockerd --container-runtime-endpoint fd:// --cni-conf-dir=/srv/cni --cni-bin-dir=/a,/b\n',
  };
  expect(await locate(DOCKER, files)).toEqual({
    configuration: { value: '/srv/cni', source: UNIT },
    binaries: { value: ['/a', '/b'], source: UNIT },
  });
});

it.each([
  [
    'containerd',
    'unix:///run/containerd/containerd.sock',
    { '/etc/crio/crio.conf': '[crio.network]\nnetwork_dir = "/of-crio"\n' },
  ],
  ['CRI-O', 'unix:///var/run/crio/crio.sock', { '/etc/containerd/config.toml': CONTAINERD }],
  ['cri-dockerd', DOCKER, { '/etc/containerd/config.toml': CONTAINERD }],
])(
  '%s without a configuration has its defaults, and never those of another container runtime',
  async (_, endpoint, files) => {
    const { configuration } = await locate(endpoint, files);
    expect(configuration).toEqual({
      value: '/etc/cni/net.d',
      source: `default: the container runtime at ${endpoint} sets none`,
    });
  },
);
