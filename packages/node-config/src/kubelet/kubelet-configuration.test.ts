import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { readKubeletConfiguration } from './kubelet-configuration.ts';

const CONFIG = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
tlsCertFile: serving.crt
`;
/** From the Debian package of Kubernetes. */
const DROP_IN = `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# This is a file that "kubeadm init" and "kubeadm join" generates at runtime
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;
const UNIT = '[Unit]\nExecStart=/not/this\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n';
const process = (pid: number, ...argv: string[]) => ({
  pid,
  argv,
  startTicks: pid,
  cgroup: '0::/system.slice/kubelet.service\n',
});

describe('the kubelet configuration is read from', () => {
  it('never a process of another user than root, however old', async () => {
    const forged = { ...process(3, 'kubelet', '--kubeconfig=/tmp/evil.conf', '--cert-dir=/tmp/pki'), uid: 65534 };
    const host = createFakeHost({
      processes: () => [forged, { ...process(7, '/usr/bin/kubelet', '--kubeconfig=/k'), uid: 0 }],
    });
    const { kubeconfig, running } = await readKubeletConfiguration({ host });
    expect({ kubeconfig, running }).toEqual({ kubeconfig: '/k', running: { pid: 7, startTicks: 7 } });
    const alone = await readKubeletConfiguration({ host: createFakeHost({ processes: () => [forged] }) });
    expect(alone.running).toBeUndefined();
    expect(alone.kubeconfig).not.toContain('evil');
    expect(alone.evidence).toContain('process 3 is called kubelet and is not believed: user 65534 runs it');
  });

  describe('the unit rather than another process', () => {
    const SYSTEMD = treeOf({
      '/lib/systemd/system/kubelet.service':
        '[Service]\nExecStart=/usr/bin/kubelet --kubeconfig=/unit --node-ip=10.0.0.9\n',
    });
    const byHand = { ...process(3, 'kubelet', '--kubeconfig=/by-hand'), cgroup: '0::/\n', uid: 0 };
    const read = (...processes: readonly ReturnType<typeof process>[]) =>
      readKubeletConfiguration({ host: createFakeHost({ tree: SYSTEMD, processes: () => processes }) });

    it("when the service's own process runs too, however old the other one is", async () => {
      const { kubeconfig, running, evidence } = await read(
        byHand,
        process(9, '/usr/bin/kubelet', '--kubeconfig=/main'),
      );
      expect([kubeconfig, running?.pid]).toEqual(['/main', 9]);
      expect(evidence).toContain('process 3 is another kubelet: its flags are not used');
    });

    it('when the service does not run', async () => {
      const { origin, kubeconfig, running, evidence } = await read(byHand);
      expect([origin, kubeconfig, running]).toEqual(['unit', '/unit', undefined]);
      expect(evidence).toContain('process 3 is a kubelet outside of kubelet.service: its flags are not used');
    });

    it('but its process also after it moved to another cgroup', async () => {
      const moved = {
        ...process(9, 'kubelet', '--kubeconfig=/unit', '--node-ip=10.0.0.9'),
        cgroup: '0::/kubelet.slice\n',
      };
      expect((await read(byHand, moved)).running?.pid).toBe(9);
    });

    it('and without a unit the oldest kubelet of root', async () => {
      const host = createFakeHost({ processes: () => [{ ...byHand, pid: 8, startTicks: 8 }, byHand] });
      expect(await readKubeletConfiguration({ host })).toMatchObject({ kubeconfig: '/by-hand', running: { pid: 3 } });
    });

    it('and a wrapper without flags gives way to the kubelet that runs', async () => {
      const tree = treeOf({ '/lib/systemd/system/kubelet.service': '[Service]\nExecStart=/opt/start-kubelet\n' });
      const host = createFakeHost({ tree, processes: () => [byHand] });
      expect((await readKubeletConfiguration({ host })).kubeconfig).toBe('/by-hand');
    });
  });

  it('its command line first, with its configuration file', async () => {
    const host = createFakeHost({
      tree: treeOf({ '/opt/kubelet.yaml': CONFIG }),
      processes: () => [
        process(
          7,
          '/usr/bin/kubelet',
          '--config',
          '/opt/kubelet.yaml',
          '--kubeconfig=/k',
          '--hostname-override=CP1',
          '--node-ip=10.0.0.1',
          '--rotate-certificates=false',
        ),
        process(9, 'kubectl', '--config=/x'),
      ],
    });
    expect(await readKubeletConfiguration({ host })).toMatchObject({
      origin: 'process',
      running: { pid: 7, startTicks: 7 },
      staticPodPath: '/etc/kubernetes/manifests',
      kubeconfig: '/k',
      bootstrapKubeconfig: undefined,
      certDirectory: '/var/lib/kubelet/pki',
      rotateCertificates: false,
      tlsCertFile: '/opt/serving.crt',
      clientCaFile: '/etc/kubernetes/pki/ca.crt',
      hostnameOverride: 'cp1',
      nodeIp: '10.0.0.1',
    });
  });

  it('the systemd unit when it does not run', async () => {
    const host = createFakeHost({
      tree: treeOf({
        '/lib/systemd/system/kubelet.service': UNIT,
        '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf':
          '[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config=/overridden\n',
        '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf': DROP_IN,
        '/etc/systemd/system/kubelet.service.d/20-extra.conf':
          '[Service]\nEnvironment=KUBELET_EXTRA_ARGS=--node-ip=10.0.0.9\n',
        '/var/lib/kubelet/kubeadm-flags.env':
          'KUBELET_KUBEADM_ARGS="--container-runtime=remote --cert-dir=/var/lib/kubelet/certs"\n',
        '/var/lib/kubelet/config.yaml': CONFIG,
      }),
    });
    const configuration = await readKubeletConfiguration({ host });
    expect(configuration).toMatchObject({
      origin: 'unit',
      running: undefined,
      staticPodPath: '/etc/kubernetes/manifests',
      kubeconfig: '/etc/kubernetes/kubelet.conf',
      bootstrapKubeconfig: '/etc/kubernetes/bootstrap-kubelet.conf',
      certDirectory: '/var/lib/kubelet/certs',
      rotateCertificates: true,
      nodeIp: '10.0.0.9',
    });
    expect(configuration.component.source).toBe('/etc/systemd/system/kubelet.service.d/10-kubeadm.conf');
    expect(configuration.evidence.join('\n')).toContain('/var/lib/kubelet/kubeadm-flags.env');
  });

  it('what it refuses to start with, and its flags without those of the file', async () => {
    const host = createFakeHost({
      tree: treeOf({
        '/lib/systemd/system/kubelet.service':
          '[Service]\nExecStart=/usr/bin/kubelet --config=/k.yaml --fail-swap-on=true\n',
        '/k.yaml': `${CONFIG}failSwapOn: false\nfailCgroupV1: false\ncontainerRuntimeEndpoint: unix:///run/crio/crio.sock\n`,
      }),
    });
    const { component, commandLine, program } = await readKubeletConfiguration({ host });
    const names = ['fail-swap-on', 'fail-cgroupv1', 'container-runtime-endpoint'];
    expect(names.map((name) => component.flags.get(name))).toEqual(['true', 'false', 'unix:///run/crio/crio.sock']);
    expect([[...commandLine.keys()], program]).toEqual([['config', 'fail-swap-on'], '/usr/bin/kubelet']);
  });

  it('a unit with variables in braces, quotes and continued lines', async () => {
    const host = createFakeHost({
      tree: treeOf({
        '/etc/systemd/system/kubelet.service': `[Service]\nEnvironment="A=--x --y" B=/k 'C=--kubeconfig=/from c'\nExecStart=/usr/bin/kubelet \\\n  --kubeconfig=\${B} \\\n  "--cert-dir=/a b" $NONE --bootstrap-kubeconfig=/boot\n`,
      }),
    });
    expect(await readKubeletConfiguration({ host })).toMatchObject({
      kubeconfig: '/k',
      certDirectory: '/a b',
      bootstrapKubeconfig: '/boot',
      staticPodPath: undefined,
    });
  });

  it('not a unit whose command a drop-in resets', async () => {
    const host = createFakeHost({
      tree: treeOf({
        '/etc/systemd/system/kubelet.service': UNIT,
        '/etc/systemd/system/kubelet.service.d/off.conf': '[Service]\nExecStart=\n',
      }),
    });
    expect((await readKubeletConfiguration({ host })).origin).toBe('kubeadm-defaults');
  });

  it('the kubeadm defaults last, and reported as such', async () => {
    const host = createFakeHost({
      tree: treeOf({ '/etc/default/kubelet': 'KUBELET_EXTRA_ARGS=--node-ip=10.0.0.3\n' }),
    });
    const configuration = await readKubeletConfiguration({ host });
    expect(configuration).toMatchObject({
      origin: 'kubeadm-defaults',
      staticPodPath: '/etc/kubernetes/manifests',
      kubeconfig: '/etc/kubernetes/kubelet.conf',
      nodeIp: '10.0.0.3',
    });
    const evidence = configuration.evidence.join('\n');
    for (const said of [
      'kubeadm defaults',
      'systemd has no unit',
      '/var/lib/kubelet/config.yaml does not exist',
      '/etc/kubernetes/manifests',
      '/etc/default/kubelet',
    ]) {
      expect(evidence).toContain(said);
    }
  });
});
