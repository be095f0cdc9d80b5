import { type Host, hostPath, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, staticPodManifests, treeOf } from '@kube-rescue/testing';
import { readStaticPods } from '@kube-rescue/node-config';
import { describe, expect, it } from 'vitest';
import { chooseKubeletRestart } from './kubelet-choice.ts';

const DIRECTORY = hostPath('/etc/kubernetes/manifests');
const MANIFEST = `${DIRECTORY}/kube-apiserver.yaml`;
const KUBELET: ProcessInfo = { pid: 50, argv: ['/usr/bin/kubelet'], startTicks: 10, cgroup: '0::/\n' };
const IDENTITY = { nodeName: 'cp1', address: '10.9.0.11', certificatesDir: hostPath('/etc/kubernetes/pki') };
const SOURCE = staticPodManifests(IDENTITY)['kube-apiserver.yaml'] ?? '';

async function choose(
  options: {
    readonly version?: string;
    readonly processes?: readonly ProcessInfo[];
    readonly services?: Readonly<Record<string, 'running' | 'stopped'>>;
    readonly program?: string;
    readonly obstacle?: string;
    readonly source?: string;
    readonly kind?: Host['kind'];
  } = {},
) {
  const fake = createFakeHost({
    tree: treeOf({ [MANIFEST]: options.source ?? SOURCE, '/usr/bin/kubelet': 'ELF' }),
    processes: () => options.processes ?? [KUBELET],
    services: options.services ?? { kubelet: 'running' },
    exec: () => ({ exitCode: 0, stdout: `Kubernetes v${options.version ?? '1.37.2'}\n`, stderr: '' }),
  });
  const host: Host = {
    ...fake,
    kind: options.kind ?? 'live',
    readLink: async (path) => (path === '/proc/50/exe' ? (options.program ?? '/usr/bin/kubelet') : fake.readLink(path)),
  };
  const { pods } = await readStaticPods({ directory: DIRECTORY }, { host });
  const kubelet = { configuration: { program: '/usr/bin/kubelet' }, service: 'kubelet', obstacle: options.obstacle };
  return chooseKubeletRestart({ pods, kubelet }, { host });
}

describe('the kubelet is restarted to replace static pods', () => {
  it.each([
    ['1.37.2', true],
    ['1.34.4', true],
    ['1.23.0', true],
    ['1.22.5', true],
    ['1.22.4', false],
    ['1.22.0', false],
    ['1.20.2', false],
  ])('by its version: %s %s', async (version, restarts) => {
    expect(await choose({ version })).toMatchObject({ restarts, reason: expect.stringContaining(version) });
  });

  it.each([
    ['its version is unknown', { version: 'unknown' }, 'its version is unknown'],
    ['no kubelet runs', { processes: [] }, 'not exactly one running kubelet'],
    ['two kubelets run', { processes: [KUBELET, { ...KUBELET, pid: 51 }] }, 'not exactly one running kubelet'],
    ['its service is unknown', { services: {} }, 'the service kubelet does not run here'],
    [
      'it was not started as the service',
      { services: { kubelet: 'stopped' } },
      'the service kubelet does not run here',
    ],
    ['its program was upgraded meanwhile', { program: '/usr/bin/kubelet (deleted)' }, 'not the one that runs'],
    [
      'it might not start again',
      { obstacle: 'its client certificate has expired' },
      'its client certificate has expired',
    ],
    ['this is a copy', { kind: 'copy' }, 'a copy of a node'],
    [
      'a checkpointer guards the pod',
      {
        source: SOURCE.replace(
          'metadata:\n',
          'metadata:\n  annotations:\n    checkpointer.alpha.coreos.com/checkpoint-of: kube-apiserver-x\n',
        ).replace(/\n {2}annotations:\n {4}kubeadm[^\n]*/, ''),
      },
      'a checkpointer guards kube-apiserver',
    ],
    [
      'the sockets of the pod are its own',
      { source: SOURCE.replace('hostNetwork: true', 'hostNetwork: false') },
      'kube-apiserver does not use the network of the node',
    ],
  ] as const)('not when %s', async (_, options, reason) => {
    expect(await choose(options)).toEqual({ restarts: false, reason: expect.stringContaining(reason) });
  });
});
