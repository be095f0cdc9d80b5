import { hostPath } from '@kube-rescue/host';
import { createFixedClock, stepLaws } from '@kube-rescue/testing';
import type { Playbook } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import {
  access,
  CNI_CONF,
  CONFIGURATION_FILE,
  HEALTHY,
  machine,
  NODE,
  refused,
  SUBNET_ENV,
  SUBNET_FILE,
} from './cluster.fixture.ts';
import { createNetworkStep } from './network-step.ts';

const { signal } = new AbortController();
const kubelet = { flags: new Map([['container-runtime', 'remote']]), source: 'kubelet.service' };
const objects = access(HEALTHY);
const step = (host: ReturnType<typeof machine>) => createNetworkStep({ nodeName: NODE, kubelet }, { host, objects });

stepLaws('the files of flannel', () => ({
  makeHost: async () => machine({ [SUBNET_FILE]: 'FLANNEL_NETWORK=10.2.0.0/16\n' }),
  makePlaybook: (host): Playbook => ({
    id: 'cni',
    title: 'network',
    phases: [
      {
        id: 'network',
        title: 'network',
        steps: async () => [createNetworkStep({ nodeName: NODE, kubelet }, { host, objects })],
      },
    ],
  }),
  clock: createFixedClock('2026-11-22T09:00:00Z'),
  directories: [hostPath('/etc/kubernetes'), hostPath('/run/flannel')],
}));

describe('the network step', () => {
  it('plans both files with the mode of flannel, and reports the source of each value', async () => {
    const finding = await step(machine()).check(signal);
    expect(finding.status).toBe('needed');
    expect(finding.changes).toMatchObject([
      { kind: 'file.replace', target: SUBNET_FILE, before: 'absent', mode: 0o644 },
      { kind: 'file.replace', target: CONFIGURATION_FILE, before: 'absent', mode: 0o644 },
    ]);
    expect(finding.evidence.join('\n')).toContain(
      'MTU: 1450 (1500 of the link minus 50 of vxlan; interface eth0, has 10.200.0.11, the internal address of the Node)',
    );
  });

  it('is not verified when the plugin rejects the file', async () => {
    const files = { [SUBNET_FILE]: SUBNET_ENV, [CONFIGURATION_FILE]: CNI_CONF };
    const host = machine(files, () =>
      refused("failed to load flannel 'subnet.env' file: /run/flannel/subnet.env is missing FLANNEL_MTU"),
    );
    expect(await step(host).verify(signal)).toMatchObject({
      verified: false,
      reason: expect.stringContaining('missing FLANNEL_MTU'),
    });
  });

  it('is verified when the plugin has loaded the file and finds no delegate', async () => {
    const host = machine({ [SUBNET_FILE]: SUBNET_ENV, [CONFIGURATION_FILE]: CNI_CONF });
    const verdict = await step(host).verify(signal);
    expect(verdict).toMatchObject({ verified: true });
    expect(JSON.stringify(verdict)).toContain('/opt/cni/bin/flannel has loaded /run/flannel/subnet.env');
  });

  it('removes the record of the plugin for the test container', async () => {
    const noted = hostPath('/run/flannel/kube-rescue-check');
    const host = machine({ [SUBNET_FILE]: SUBNET_ENV, [CONFIGURATION_FILE]: CNI_CONF, [noted]: '{}' });
    await step(host).verify(signal);
    expect(await host.stat(noted)).toBeUndefined();
  });

  it('is not verified when the binary is not a CNI plugin', async () => {
    const files = { [SUBNET_FILE]: SUBNET_ENV, [CONFIGURATION_FILE]: CNI_CONF };
    const host = machine(files, () => ({ exitCode: 127, stdout: '', stderr: 'env: node: No such file' }));
    expect(await step(host).verify(signal)).toMatchObject({
      verified: false,
      reason: '/opt/cni/bin/flannel does not answer as a CNI plugin: exit 127',
    });
  });

  it('warns when it is unknown whether the plugin has loaded the file', async () => {
    const files = { [SUBNET_FILE]: SUBNET_ENV, [CONFIGURATION_FILE]: CNI_CONF };
    const verdict = await step(machine(files, () => refused('out of luck'))).verify(signal);
    expect(verdict).toMatchObject({ verified: true, warnings: [expect.stringContaining('out of luck')] });
  });

  it('waits for the steps that may fix the cause', async () => {
    const waitsFor = ['pods/controller-manager'];
    const found = await createNetworkStep(
      { nodeName: 'unknown', kubelet, waitsFor },
      { host: machine(), objects },
    ).check(signal);
    expect(found).toMatchObject({ status: 'blocked', code: 'CNI_NODE_NOT_FOUND', waitsFor, changes: [] });
  });
});
