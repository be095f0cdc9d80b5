import { hostPath } from '@kube-rescue/host';
import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { readKubeadmConfiguration } from './kubeadm-configuration.ts';

const PATH = '/etc/kubernetes/kubeadm-config.yaml';

const daysOf = async (fields: string): Promise<number | undefined> => {
  const text = `kind: InitConfiguration\napiVersion: kubeadm.k8s.io/v1beta4\n---\nkind: ClusterConfiguration\n${fields}\n`;
  const found = await readKubeadmConfiguration({ host: createFakeHost({ tree: treeOf({ [PATH]: text }) }) });
  expect(found?.path).toBe(hostPath(PATH));
  return found?.certificateDays;
};

describe("kubeadm's certificateValidityPeriod", () => {
  it.each([
    ['8760h0m0s', 365],
    ['8760h', 365],
    ['72h', 3],
    ['36h30m', 36.5 / 24],
    ['1.5h1800s', 2 / 24],
  ])('%s is read', async (period, days) => {
    const read = await daysOf(`apiVersion: kubeadm.k8s.io/v1beta4\ncertificateValidityPeriod: ${period}`);
    expect(read).toBeCloseTo(days, 9);
  });

  it.each(['10y', '365d', '0s', '-24h', '"8760"', '{h: 1}', '12h;rm'])('%s is no duration', async (period) => {
    expect(await daysOf(`apiVersion: kubeadm.k8s.io/v1beta4\ncertificateValidityPeriod: ${period}`)).toBeUndefined();
  });

  // https://github.com/lework/kubeadm-certs/issues/3: kubeadm warns of an unknown field, and issues for a year.
  it('has no effect before v1beta4', async () => {
    const period = 'certificateValidityPeriod: 876000h';
    expect(await daysOf(`apiVersion: kubeadm.k8s.io/v1beta3\n${period}`)).toBeUndefined();
    expect(await daysOf(`apiVersion: kubeadm.k8s.io/v1beta5\n${period}`)).toBe(36_500);
  });
});
