import { createFixedClock } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { createReporter } from '../reporter.ts';
import { createProgress } from './progress.ts';
import { followRun } from './workflow-progress.ts';

const PLAIN = { columns: 80, colour: false, live: false };

function recorder(): { readonly stream: NodeJS.WritableStream; text(): string } {
  let text = '';
  const write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk);
    return true;
  };
  return { stream: { write } as NodeJS.WritableStream, text: () => text };
}

describe('progress in a log', () => {
  it('is one plain line per event, with the time since the start', () => {
    const { stream, text } = recorder();
    const clock = createFixedClock('2026-11-22T11:18:00Z');
    const progress = createProgress(createReporter(stream, PLAIN), clock);
    let journal: string | undefined;
    const follow = followRun(progress, {
      onRun: (path) => {
        journal = path;
      },
    });
    follow({
      type: 'run-started',
      runId: '20261122T111800Z-1f3a',
      path: '/var/lib/kube-rescue/runs/20261122T111800Z-1f3a',
    });
    follow({ type: 'phase-started', phase: 'node', title: 'node files' });
    follow({
      type: 'step-checked',
      step: 'a',
      title: 'renew a',
      finding: { status: 'ok', summary: 'it is good', evidence: [] },
    });
    follow({ type: 'step-started', step: 'b', title: 'restart b' });
    follow({ type: 'step-waiting', step: 'b', reason: 'the kubelet' });
    follow({ type: 'step-waiting', step: 'b', reason: 'the kubelet' });
    clock.advance(2500);
    follow({ type: 'change-made', step: 'b', change: { kind: 'x', target: 'y' }, text: 'restart the service kubelet' });
    follow({ type: 'step-finished', step: 'b', verified: true, evidence: [] });
    follow({ type: 'step-started', step: 'c', title: 'renew c' });
    follow({ type: 'step-finished', step: 'c', verified: false, evidence: ['nothing answers'] });
    follow({ type: 'undo', change: { kind: 'x', target: 'y' }, text: 'replace /y', state: 'undone' });
    expect(journal).toBe('/var/lib/kube-rescue/runs/20261122T111800Z-1f3a');
    expect(text()).toBe(`   0.0 s  run 20261122T111800Z-1f3a, journal in /var/lib/kube-rescue/runs/20261122T111800Z-1f3a
   0.0 s  == node files
   0.0 s  ok      renew a
   0.0 s  …       restart b
   0.0 s          waiting: the kubelet
   2.5 s          restart the service kubelet
   2.5 s  done    restart b (2.5 s)
   2.5 s  …       renew c
   2.5 s  FAILED  renew c: nothing answers (0.0 s)
   2.5 s  undone  replace /y
`);
  });
});

describe('progress of steps that run side by side', () => {
  it('names the step that waits, in a log', () => {
    const { stream, text } = recorder();
    const clock = createFixedClock('2026-11-22T11:18:00Z');
    const follow = followRun(createProgress(createReporter(stream, PLAIN), clock));
    follow({ type: 'step-started', step: 'a', title: 'join node02' });
    follow({ type: 'step-started', step: 'b', title: 'run a pod' });
    follow({ type: 'step-waiting', step: 'a', reason: 'the kubelet' });
    clock.advance(1000);
    follow({ type: 'step-finished', step: 'b', verified: true, evidence: [] });
    follow({ type: 'step-waiting', step: 'a', reason: 'its Node' });
    clock.advance(1000);
    follow({ type: 'step-finished', step: 'a', verified: true, evidence: [] });
    expect(text()).toBe(`   0.0 s  …       join node02
   0.0 s  …       run a pod
   0.0 s          join node02: waiting: the kubelet
   1.0 s  done    run a pod (1.0 s)
   1.0 s          waiting: its Node
   2.0 s  done    join node02 (2.0 s)
`);
  });

  it('has a line for each on a terminal, and clears them all', () => {
    const { stream, text } = recorder();
    const clock = createFixedClock('2026-11-22T11:18:00Z');
    const progress = createProgress(createReporter(stream, { columns: 60, colour: false, live: true }), clock);
    progress.begin('join node02', 'a');
    progress.begin('run a pod', 'b');
    expect(text().endsWith('   0.0 s  join node02 …\n   0.0 s  run a pod …')).toBe(true);
    progress.end('done', 'join node02', 'a');
    const cleared = '\r\u001b[2K\u001b[1A\u001b[2K';
    expect(text()).toContain(`${cleared}   0.0 s  done    join node02 (0.0 s)\n   0.0 s  run a pod …`);
    progress.stop();
    expect(text().endsWith('\r\u001b[2K')).toBe(true);
  });
});

describe('progress on a terminal', () => {
  it('redraws one line that never wraps, and clears it before a line that stays', () => {
    const { stream, text } = recorder();
    const clock = createFixedClock('2026-11-22T11:18:00Z');
    const progress = createProgress(createReporter(stream, { columns: 60, colour: false, live: true }), clock);
    progress.begin('wait for the API server');
    progress.waitFor('an answer from https://10.0.0.10:6443/readyz that is signed by the new certificate');
    progress.end('done', 'wait for the API server');
    const drawn = text()
      .split('\r\u001b[2K')
      .filter((line) => line !== '' && !line.includes('\n'));
    expect(drawn.length).toBe(2);
    for (const line of drawn) expect(line.length).toBeLessThan(60);
    expect(text().endsWith('\r\u001b[2K   0.0 s  done    wait for the API server (0.0 s)\n')).toBe(true);
  });
});
