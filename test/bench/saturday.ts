import { runCli } from '../../apps/cli/src/cli-process.fixture.ts';
import type { PhaseTimes } from '../../apps/drill/src/recovery/recovery-watch.ts';
import type { BenchResult } from './bench.ts';

interface DrillDocument {
  readonly result?: { readonly recovery: { readonly seconds: number; readonly phases: readonly PhaseTimes[] } | null };
}

/** The target share of our own work in a recovery. */
const OWN_SHARE = 0.1;

/**
 * The Saturday incident, recovered by one command: seconds by phase, and the share of our own work rather than waiting for
 * kubelets, containers, leases and the checkpointer.
 */
export async function run(): Promise<BenchResult> {
  const args = ['drill', '--json', '--scenario', 'saturday', '--no-trap', '--stable-for', '20'];
  const { stdout, stderr } = await runCli(args);
  const recovery = (JSON.parse(stdout) as DrillDocument).result?.recovery ?? undefined;
  if (recovery === undefined) throw new Error(`the drill did not reach the recovery: ${stderr.slice(-2000)}`);
  const waited = recovery.phases.reduce((sum, { waitedSeconds }) => sum + waitedSeconds, 0);
  const rows = recovery.phases.map(({ phase, seconds, waitedSeconds }) => ({
    what: `phase ${phase}: our own work`,
    peerName: 'the whole phase, with waiting',
    ours: seconds - waitedSeconds,
    peer: seconds,
    unit: 's' as const,
    target: undefined,
  }));
  return {
    name: 'saturday',
    rows: [
      ...rows,
      {
        what: 'the whole recovery: our own work, planning included',
        peerName: 'the whole recovery, with waiting',
        ours: recovery.seconds - waited,
        peer: recovery.seconds,
        unit: 's',
        target: OWN_SHARE,
      },
    ],
  };
}
