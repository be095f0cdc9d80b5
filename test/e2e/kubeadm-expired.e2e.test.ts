import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { BIN, runCli } from '../../apps/cli/src/cli-process.fixture.ts';
import { drill } from './drill.fixture.ts';
import { expectNoTraces, findTraces, labsNamedIn } from './lab-traces.fixture.ts';

/** The proofs of a drill, by the word before the colon. */
const PROOFS = ['death', 'recover', 'life', 'backup', 'second-recover', 'rollback', 'recover-again', 'life-again'];

describe('the drill kubeadm-expired', () => {
  it.each([
    ['rsa', '1.37'],
    ['ecdsa', '1.20'],
  ])(
    'breaks and recovers a real cluster with %s keys and Kubernetes %s, and leaves nothing behind',
    async (algorithm, kubernetes) => {
      const { result, kinds, progress } = await drill('--algorithm', algorithm, '--kubernetes', kubernetes);
      expect(result.scenario).toBe('kubeadm-expired');
      expect(result.kubernetes).toMatch(new RegExp(`^v${kubernetes}\\.\\d+$`));
      expect(kinds).toEqual(PROOFS);
      expect(result.recovery.secondsToUsableApi).toBeGreaterThan(0);
      expect(result.recovery.seconds).toBeGreaterThan(result.recovery.secondsToUsableApi);
      // Readable progress with a final timeline, besides the JSON document.
      expect(progress).toContain('TIMELINE');
    },
  );
});

describe('a drill that is stopped', () => {
  /** Starts a drill and waits until it creates its cluster. */
  async function startDrill(): Promise<{ readonly process: ChildProcess; readonly labs: readonly string[] }> {
    const started = spawn(process.execPath, [BIN, 'drill', '--kubernetes', '1.20'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let progress = '';
    await new Promise<void>((resolve, reject) => {
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        progress += text;
        if (progress.includes('waiting for etcd and the API server')) resolve();
      });
      started.once('exit', (code) => reject(new Error(`the drill ended early with ${code}`)));
    });
    return { process: started, labs: labsNamedIn(progress) };
  }

  it('by Ctrl-C removes its cluster and exits 130', async () => {
    const { process: stopped, labs } = await startDrill();
    expect(await findTraces(labs)).not.toEqual([]);
    stopped.kill('SIGINT');
    const [exitCode] = (await once(stopped, 'exit')) as [number | null];
    expect(exitCode).toBe(130);
    await expectNoTraces(labs);
  });

  it('by SIGKILL leaves a cluster that drill --clean removes', async () => {
    const { process: killed, labs } = await startDrill();
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await findTraces(labs)).not.toEqual([]);
    const { exitCode, stdout } = await runCli(['drill', '--clean', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    await expectNoTraces(labs);
  });
});
