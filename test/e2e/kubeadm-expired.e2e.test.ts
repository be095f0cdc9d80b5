import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { BIN, runCli } from '../../apps/cli/src/cli-process.fixture.ts';
import { assertNoTraces, findTraces } from './lab-traces.fixture.ts';

interface DrillDocument {
  readonly ok: boolean;
  readonly result?: {
    readonly scenario: string;
    readonly proofs: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
    readonly recovery: { readonly secondsToReadyApi: number; readonly seconds: number };
  };
}

/** What a drill must have proven, by the word before the colon. */
const PROOFS = ['death', 'recover', 'life', 'backup', 'second-recover', 'rollback', 'recover-again', 'life-again'];

assertNoTraces();

describe('the drill kubeadm-expired', () => {
  it.each(['rsa', 'ecdsa'])(
    'kills and recovers a real cluster with %s keys, and leaves nothing behind',
    async (algorithm) => {
      const ended = await runCli(['drill', '--json', '--algorithm', algorithm]);
      const document = JSON.parse(ended.stdout) as DrillDocument;
      const failed = document.result?.proofs.filter(({ ok }) => !ok) ?? [];
      expect(failed, ended.stderr.slice(-4000)).toEqual([]);
      expect({ ok: document.ok, exitCode: ended.exitCode }).toEqual({ ok: true, exitCode: 0 });
      expect(document.result?.scenario).toBe('kubeadm-expired');
      const kinds = new Set(document.result?.proofs.map(({ name }) => name.split(':')[0]));
      expect([...kinds]).toEqual(PROOFS);
      expect(document.result?.recovery.secondsToReadyApi).toBeGreaterThan(0);
      expect(document.result?.recovery.seconds).toBeGreaterThan(document.result?.recovery.secondsToReadyApi ?? 0);
      // Progress that a person can follow, and a closing timeline, beside the one document.
      expect(ended.stderr).toContain('TIMELINE');
    },
  );
});

describe('a drill that is stopped', () => {
  /** Starts a drill and waits until its cluster is being made. */
  async function startDrill(): Promise<ChildProcess> {
    const drill = spawn(process.execPath, [BIN, 'drill'], { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise<void>((resolve, reject) => {
      drill.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('waiting for etcd and the API server')) resolve();
      });
      drill.once('exit', (code) => reject(new Error(`the drill ended early with ${code}`)));
    });
    return drill;
  }

  it('by Ctrl-C removes its cluster and exits 130', async () => {
    const drill = await startDrill();
    expect(await findTraces()).not.toEqual([]);
    drill.kill('SIGINT');
    const [exitCode] = (await once(drill, 'exit')) as [number | null];
    expect(exitCode).toBe(130);
  });

  it('by a kill leaves a cluster that drill --clean finds and removes', async () => {
    const drill = await startDrill();
    drill.kill('SIGKILL');
    await once(drill, 'exit');
    expect(await findTraces()).not.toEqual([]);
    const { exitCode, stdout } = await runCli(['drill', '--clean', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });
});
