import { hostPath, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, expectCode, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { locateNetworkDirectories } from './network-directories.ts';

const REMOTE = { 'container-runtime': 'remote' };
const CRIO = { 'container-runtime-endpoint': 'unix:///var/run/crio/crio.sock' };
const CONTAINERD = '/etc/containerd/config.toml';

function locate(
  flags: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
  processes: readonly ProcessInfo[] = [],
) {
  const host = createFakeHost({ tree: treeOf(files), processes: () => processes });
  return locateNetworkDirectories({ flags: new Map(Object.entries(flags)), source: 'kubelet.service' }, host);
}

const cni = (section: string, fields: string): string => `[plugins."${section}".cni]\n${fields}\n`;
const process = (argv: readonly string[], hasOtherNetwork = false): ProcessInfo => ({
  pid: 7,
  argv,
  startTicks: 1,
  cgroup: '',
  hasOtherNetwork,
});

describe('the directories of network plugins', () => {
  it('come from the kubelet flags when the kubelet runs the plugins', async () => {
    const flags = { 'network-plugin': 'cni', 'cni-conf-dir': '/etc/kubernetes/cni/net.d', 'cni-bin-dir': '/a,/b' };
    expect(await locate(flags, { [CONTAINERD]: cni('io.containerd.grpc.v1.cri', 'conf_dir = "/other"') })).toEqual({
      configuration: { value: '/etc/kubernetes/cni/net.d', source: 'kubelet.service' },
      binaries: { value: ['/a', '/b'], source: 'kubelet.service' },
    });
  });

  it.each([
    ['1', '[plugins.cri.cni]\nconf_dir = "/c"\nbin_dir = "/b"', ['/b']],
    ['2', cni('io.containerd.grpc.v1.cri', 'conf_dir = "/c"\nbin_dir = "/b"'), ['/b']],
    ['3', cni('io.containerd.cri.v1.runtime', 'conf_dir = "/c"\nbin_dirs = ["/b", "/d"]'), ['/b', '/d']],
  ])('come from the configuration of containerd, version %s', async (_, text, binaries) => {
    expect(await locate(REMOTE, { [CONTAINERD]: text })).toEqual({
      configuration: { value: '/c', source: CONTAINERD },
      binaries: { value: binaries, source: CONTAINERD },
    });
  });

  it('are never those that a process of another user than root names', async () => {
    const forged = { ...process(['containerd', '--config', '/tmp/evil.toml']), uid: 65534 };
    const files = { '/tmp/evil.toml': cni('io.containerd.grpc.v1.cri', 'conf_dir = "/tmp/evil"') };
    expect(JSON.stringify(await locate(REMOTE, files, [forged]))).not.toContain('evil');
  });

  it('come from the configuration file of the running containerd', async () => {
    const files = { '/lab/c.toml': cni('io.containerd.grpc.v1.cri', 'conf_dir = "/mine"') };
    const neighbour = process(['/usr/bin/containerd', '--config', '/etc/other.toml'], true);
    for (const words of [['--config', '/lab/c.toml'], ['-c', '/lab/c.toml'], ['--config=/lab/c.toml']]) {
      const found = await locate(REMOTE, files, [neighbour, process(['/usr/bin/containerd', ...words])]);
      expect(found.configuration).toEqual({ value: '/mine', source: '/lab/c.toml' });
    }
  });

  it('come from an imported file that overrides the main file', async () => {
    const files = {
      [CONTAINERD]: `imports = ["/etc/containerd/conf.d/*.toml"]\n${cni('io.containerd.grpc.v1.cri', 'conf_dir = "/a"')}`,
      '/etc/containerd/conf.d/10-cni.toml': cni('io.containerd.grpc.v1.cri', 'conf_dir = "/b"'),
      '/etc/containerd/conf.d/README': 'not TOML = [',
    };
    expect((await locate(REMOTE, files)).configuration).toEqual({
      value: '/b',
      source: `${CONTAINERD}, /etc/containerd/conf.d/10-cni.toml`,
    });
  });

  it('come from the last drop-in of CRI-O', async () => {
    const files = {
      '/etc/crio/crio.conf': '[crio.network]\nnetwork_dir = "/a"\n',
      '/etc/crio/crio.conf.d/20-net.conf': '[crio.network]\nnetwork_dir = "/b"\nplugin_dirs = ["/p", "/q"]\n',
    };
    expect(await locate(CRIO, files)).toMatchObject({
      configuration: { value: '/b' },
      binaries: { value: ['/p', '/q'] },
    });
  });

  it.each([
    ['nothing is configured', {}, {}, 'no container runtime is configured on this node'],
    ['containerd has no section for it', REMOTE, { [CONTAINERD]: 'version = 2\n' }, CONTAINERD],
    ['the kubelet sets none', { 'network-plugin': 'cni' }, {}, 'kubelet.service'],
  ])('are the defaults, and reported as such, when %s', async (_, flags, files, source) => {
    const { configuration, binaries } = await locate(flags, files);
    expect([configuration.value, binaries.value]).toEqual([hostPath('/etc/cni/net.d'), ['/opt/cni/bin']]);
    expect(configuration.source).toBe(`default: ${source} sets none`);
  });

  it('are not guessed when the configuration is unreadable', async () => {
    await expectCode(locate(REMOTE, { [CONTAINERD]: '[plugins' }), 'CNI_DIRECTORIES_UNREADABLE');
    await expectCode(locate(CRIO, { '/etc/crio/crio.conf': 'a = ' }), 'CNI_DIRECTORIES_UNREADABLE');
  });
});
