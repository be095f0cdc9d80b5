import { describe, expect, it } from 'vitest';
import { type FailedProgram, findReason } from './failure-reason.ts';

function reasonOf(component: FailedProgram['component'], lines: readonly string[], flags: Record<string, string> = {}) {
  const program = { component, name: component, source: '/m.yaml', flags: new Map(Object.entries(flags)) };
  return findReason(program, { source: '/log', lastAt: undefined, lines });
}

describe('the reason in a log is', () => {
  it.each([
    // Kubernetes before 1.22 prints its usage behind the error.
    ['kube-apiserver', 'FLAG_UNKNOWN', ['Error: unknown flag: --insecure-port', 'Usage:', '  kube-apiserver [flags]']],
    ['etcd', 'FLAG_UNKNOWN', ['flag provided but not defined: -enable-v2', 'Usage:']],
    ['kube-scheduler', 'FEATURE_GATE_UNKNOWN', ['E1 run.go:72] "command failed" err="unrecognized feature gate: X"']],
    // https://github.com/rancher/rke2/issues/3480
    [
      'kube-apiserver',
      'PORT_IN_USE',
      [
        'E1019 20:33:37.958760 1 run.go:74] "command failed" err="failed to create listener: failed to listen on 0.0.0.0:6443: listen tcp 0.0.0.0:6443: bind: address already in use"',
      ],
    ],
    [
      'etcd',
      'PORT_IN_USE',
      [
        '{"level":"fatal","ts":"x","caller":"etcdmain/etcd.go:204","msg":"discovery failed","error":"listen tcp 10.9.0.11:2380: bind: address already in use"}',
      ],
    ],
    ['kube-apiserver', 'ETCD_NO_SPACE', ['E1 x.go:1] "Unhandled" err="etcdserver: mvcc: database space exceeded"']],
    ['etcd', 'DISK_FULL', ['panic: open /var/lib/etcd/member/wal/1.tmp: no space left on device']],
    // https://github.com/onedr0p/cluster-template/issues/159
    [
      'etcd',
      'ETCD_DATA_NEWER',
      [
        '{"level":"fatal","ts":"2021-12-06T15:14:27.709Z","caller":"membership/cluster.go:790","msg":"invalid downgrade; server version is lower than determined cluster version","current-server-version":"3.4.13","determined-cluster-version":"3.5"}',
      ],
    ],
    // https://github.com/etcd-io/etcd/issues/11220
    ['etcd', 'ETCD_DATA_DAMAGED', ['C | etcdserver: read wal error (walpb: crc mismatch) and cannot be repaired']],
    [
      'kubelet',
      'KUBELET_CONFIGURATION_REFUSED',
      [
        'E1 run.go:72] "command failed" err="failed to load kubelet config file, path: /var/lib/kubelet/config.yaml, error: failed to decode"',
      ],
    ],
  ] as const)('of %s: %s', (component, code, lines) => {
    const { reason } = reasonOf(component, lines) ?? {};
    expect(reason?.code).toBe(code);
    expect(reason?.evidence).toEqual([`/log: ${lines[0]}`]);
  });

  it.each([
    ['kube-apiserver', 'x509: certificate has expired or is not yet valid: current time is after 2026-11-01T00:00:00Z'],
    ['kube-apiserver', 'dial tcp 127.0.0.1:2379: connect: connection refused'],
    ['kube-apiserver', 'failed to recover v3 backend from snapshot'],
    ['etcd', '{"level":"info","msg":"repaired WAL","error":"unexpected EOF"}'],
    ['kubelet', 'W1 warnings.go:70] unknown field "kubeletCgroup"'],
  ] as const)('nothing for a certificate, a consequence, and another program: %s, %s', (component, line) => {
    expect(reasonOf(component, [line])).toBeUndefined();
  });

  it('in the evidence also when it is far behind in a line', () => {
    const [evidence = ''] = reasonOf('etcd', [`${'x'.repeat(1000)}: no space left on device`])?.reason.evidence ?? [];
    expect(evidence).toMatch(/^\/log: \.\.\. x+: no space left on device$/);
    expect(evidence.length).toBeLessThan(400);
  });

  it('the last one, with what the flags say now', () => {
    const lines = ['listen tcp :6443: bind: address already in use', 'Error: unknown flag: --cloud-provider'];
    expect(reasonOf('kube-apiserver', lines, { 'cloud-provider': '' })).toMatchObject({
      reason: { code: 'FLAG_UNKNOWN' },
      holds: true,
    });
    expect(reasonOf('kube-apiserver', lines)?.holds).toBe(false);
    expect(reasonOf('kube-apiserver', lines.slice(0, 1))).toMatchObject({ port: 6443, holds: undefined });
  });
});
