import { describe, expect, it } from 'vitest';
import { daemonSet, flannel } from '../network/cluster.fixture.ts';
import { readFlannelDaemon } from './flannel-daemon.ts';

const mounts = [
  { name: 'run', mountPath: '/run' },
  { name: 'cni', mountPath: '/etc/cni/net.d' },
  { name: 'cfg', mountPath: '/etc/kube-flannel/' },
];
const volumes = [
  { name: 'run', hostPath: { path: '/run' } },
  { name: 'cni', hostPath: { path: '/etc/kubernetes/cni/net.d' } },
  { name: 'cfg', configMap: { name: 'cfg', items: [{ key: 'network', path: 'net-conf.json' }] } },
];
const main = {
  name: 'kube-flannel',
  command: ['/opt/bin/flanneld', '--ip-masq', '--kube-subnet-mgr'],
  volumeMounts: mounts,
};
const read = (...others: readonly object[]) =>
  readFlannelDaemon(daemonSet('kube-flannel', { containers: [main, ...others], volumes }));

describe('the DaemonSet of flannel', () => {
  it('names the files on the host and the ConfigMap', () => {
    expect(readFlannelDaemon(flannel())).toMatchObject({
      configMap: { namespace: 'kube-system', name: 'kube-flannel-cfg' },
      netConfKey: 'net-conf.json',
      cniConfKey: 'cni-conf.json',
      subnetFile: { value: '/run/flannel/subnet.env' },
      configurationFile: {
        value: '/etc/kubernetes/cni/net.d/10-flannel.conflist',
        source: 'copied by container install-cni of DaemonSet kube-system/kube-flannel',
      },
    });
  });

  it('may mount a key with another name', () => {
    expect(read()).toMatchObject({ configMap: { name: 'cfg' }, netConfKey: 'network' });
  });

  it('may copy the configuration in a shell, in another container', () => {
    const script =
      'set -e -x; cp -f /etc/kube-flannel/cni-conf.json /etc/cni/net.d/10-flannel.conf; while true; do sleep 3600; done';
    const copying = { name: 'install-cni', command: ['/bin/sh', '-c', script], volumeMounts: mounts };
    expect(read(copying).configurationFile?.value).toBe('/etc/kubernetes/cni/net.d/10-flannel.conf');
  });

  it.each([
    ['quay.io/coreos/flannel-cni:v0.2.0', [], '10-flannel.conf'],
    ['quay.io/coreos/flannel-cni:v0.3.0', [], '10-flannel.conflist'],
    ['quay.io/coreos/flannel-cni:v0.3.0', [{ name: 'CNI_CONF_NAME', value: '10-x.conflist' }], '10-x.conflist'],
  ])('may leave the copy to the image %s %o', (image, env, name) => {
    const installing = {
      name: 'install-cni',
      image,
      env,
      volumeMounts: [{ name: 'cni', mountPath: '/host/etc/cni/net.d' }],
    };
    expect(read(installing).configurationFile?.value).toBe(`/etc/kubernetes/cni/net.d/${name}`);
  });

  it.each(['../../cron.d/x', '/etc/cron.d/x', '..', '.', 'a/b', ''])(
    'cannot lead out of the directory with the name %j in the environment',
    (value) => {
      const volumeMounts = [{ name: 'cni', mountPath: '/host/etc/cni/net.d' }];
      const env = [{ name: 'CNI_CONF_NAME', value }];
      const installing = { name: 'install-cni', image: 'quay.io/coreos/flannel-cni:v0.3.0', env, volumeMounts };
      expect(read(installing).configurationFile?.value ?? '').not.toContain('cron');
      expect(read(installing).configurationFile).toBeUndefined();
    },
  );

  it.each([
    ['/etc/cni/net.d/../../../cron.d/x', undefined],
    ['/etc/cni/net.d/10.conf', '../../cron.d'],
    ['/etc/cni/net.d/10.conf', '/etc/cron.d'],
  ])('cannot lead out of a volume with the path %s and the subPath %s', (target, subPath) => {
    const command = ['cp', '-f', '/etc/kube-flannel/cni-conf.json', target];
    const volumeMounts = mounts.map((mount) =>
      mount.name === 'cni' && subPath !== undefined ? { ...mount, subPath } : mount,
    );
    expect(read({ name: 'install-cni', command, volumeMounts }).configurationFile?.value ?? '').not.toMatch(
      /^\/etc\/cron/,
    );
  });

  it('may lack the copy', () => {
    expect(read().configurationFile).toBeUndefined();
  });
});

describe('the flags of flannel', () => {
  const flagsOf = (words: readonly string[], env: readonly object[] = []) => {
    const container = { ...main, command: ['/opt/bin/flanneld'], args: ['--kube-subnet-mgr', ...words], env };
    return readFlannelDaemon(daemonSet('kube-flannel', { containers: [container], volumes })).flags;
  };

  it.each([
    [['--ip-masq'], true],
    [['-ip-masq=true'], true],
    [['--ip-masq=false'], false],
    [['--ip-masq', '--ip-masq=false'], false],
    [['--ip-masq', 'false'], true],
    [[], false],
  ])('are parsed as in Go: %o', (words, expected) => {
    expect(flagsOf(words).ipMasq.value).toBe(expected);
  });

  it('come from variables when the command line lacks them', () => {
    const env = [
      { name: 'FLANNELD_IP_MASQ', value: 'true' },
      { name: 'FLANNELD_SUBNET_FILE', value: '/run/x.env' },
    ];
    expect(flagsOf([], env).ipMasq).toEqual({
      value: true,
      source: 'FLANNELD_IP_MASQ of DaemonSet kube-system/kube-flannel',
    });
    expect(flagsOf(['--subnet-file', '/run/y.env'], env).subnetFile.value).toBe('/run/y.env');
  });

  it('accept several interfaces', () => {
    expect(flagsOf(['--iface=eth0', '--iface', 'eth1']).interfaces).toEqual(['eth0', 'eth1']);
  });
});
