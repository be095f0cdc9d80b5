import { describe, expect, it } from 'vitest';
import { describeRecoveryTimes, recoveryTimesOf } from './recovery-times.ts';

const ended = (steps: Readonly<Record<string, number>>) =>
  Object.entries(steps).map(([step, endSeconds]) => ({ step, endSeconds }));

describe('the times of a recovery', () => {
  it('are the last step of each thing that people wait for', () => {
    const times = recoveryTimesOf(
      ended({
        'control-plane/api-stable': 50,
        'pods/rescue/kube-scheduler': 61,
        'nodes/join': 75,
        'dns/restart-controller': 30,
        'dns/names': 90,
        'checkpoint/stable': 210,
      }),
    );
    expect(times).toEqual({ usableApi: 50, workloads: 75, service: 90, everything: 210 });
    expect(describeRecoveryTimes(times, (seconds) => `${seconds} s`)).toBe(
      'API usable after 50 s, new pods after 75 s, ingress names after 90 s, everything proven after 210 s',
    );
  });

  it('are those of a kubeadm node, which has no ingress names', () => {
    const times = recoveryTimesOf(
      ended({ 'control-plane/api-stable': 9, 'node/ready': 11, 'control-plane/kube-scheduler-at-work': 13 }),
    );
    expect(times).toEqual({ usableApi: 9, workloads: 13, service: null, everything: 13 });
    expect(describeRecoveryTimes(times, String)).toBe(
      'API usable after 9, new pods after 13, everything proven after 13',
    );
  });

  it('tell nothing where no API server was brought back', () => {
    const times = recoveryTimesOf(ended({ 'pki/renew/apiserver': 2 }));
    expect(times).toEqual({ usableApi: null, workloads: null, service: null, everything: 2 });
    expect(describeRecoveryTimes(times, String)).toBe('');
  });
});
