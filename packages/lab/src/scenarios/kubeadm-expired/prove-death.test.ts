import { describe, expect, it } from 'vitest';
import { listeningPorts, reasonOf } from './prove-death.ts';

describe('the proofs of death', () => {
  it('list the listening ports of all addresses', () => {
    const table = `LISTEN 0 4096 127.0.0.1:2379 0.0.0.0:*
LISTEN 0 4096 *:6443 *:*
LISTEN 0 4096 [::1]:10248 [::]:*
`;
    expect(listeningPorts(table)).toEqual(['2379', '6443', '10248']);
    expect(listeningPorts('')).toEqual([]);
  });

  it('quote the reason why the kubelet exited, without the stack trace', () => {
    const log = `I1122 11:36:30.2 18135 server.go:416] Version: v1.20.2
F1122 11:57:24.1 22222 server.go:269] failed to run Kubelet: unable to load bootstrap kubeconfig
goroutine 1 [running]:
`;
    expect(reasonOf(log)).toBe('failed to run Kubelet: unable to load bootstrap kubeconfig');
  });
});
