import { describe, expect, it } from 'vitest';
import { parsePods } from './deployment.ts';

describe('a pod of the workload', () => {
  it('has a container id only while its container runs', () => {
    const running = { containerID: 'containerd://abc', state: { running: { startedAt: '2026-01-02T03:04:05Z' } } };
    const crashed = { containerID: 'containerd://def', state: { waiting: { reason: 'CrashLoopBackOff' } } };
    const items = [running, crashed].map((container, index) => ({
      metadata: { name: `web-${index}`, uid: String(index) },
      status: { podIP: '10.0.0.2', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [container] },
    }));
    expect(parsePods(JSON.stringify({ items }))).toMatchObject([
      { containerId: 'abc', startedAt: new Date('2026-01-02T03:04:05Z') },
      { containerId: undefined, startedAt: undefined },
    ]);
  });

  it('is not ready without conditions', () => {
    const items = [{ metadata: { name: 'web', uid: '1' }, status: {} }];
    expect(parsePods(JSON.stringify({ items }))).toMatchObject([{ ready: false, address: undefined }]);
  });
});
