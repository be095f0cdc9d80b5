import { type HostPath, joinPath } from '@kube-rescue/host';
import type { Proof } from '@kube-rescue/lab';
import { nameProofs, proveAnswer, proveSameFiles } from '../proofs/proofs.ts';
import type { RescueAnswer } from '../rescue-command.ts';
import type { RotationRehearsal } from './rotation-rehearsal.ts';

/** The directory of the journals on a node. */
const RUNS = '/var/lib/kube-rescue/runs';
/** At this line the new key signs, and some certificates are still of the old CA. */
const CUT_AT_LINE = 26;
const POLL_MS = 20;

interface RollbackOptions {
  /** Default: `certs rotate-ca`. */
  readonly command?: string;
  /** The rollback restores files that the API server reads at its start. Default: false. */
  readonly restartsApiServer?: boolean;
}

/** Runs a stage and rolls it back. Proves that every file and object is as before. */
export async function rehearseRollback(
  rehearsal: RotationRehearsal,
  stage: string,
  carryOut: () => Promise<RescueAnswer>,
  { command = 'certs rotate-ca', restartsApiServer = false }: RollbackOptions = {},
): Promise<readonly Proof[]> {
  const { cluster, lab, deps, watch, rescue } = rehearsal;
  const look = async () => ({
    files: await lab.snapshotFiles(cluster, deps),
    objects: await lab.snapshotObjects(cluster, deps),
  });
  const before = await look();
  const done = await carryOut();
  const running = await lab.identifyApiServer(cluster, deps);
  const undone = await watch.measure(`roll back: ${stage}`, async () => rescue('rollback', runOf(done), '--yes'));
  if (restartsApiServer) {
    await watch.measure('wait for the API server', () => lab.waitForNewApiServer(cluster, running, deps));
  }
  const after = await look();
  return nameProofs('back', [
    proveAnswer(`${command} ${stage} is carried out`, done, 'done'),
    proveAnswer('rollback undoes it', undone),
    proveSameFiles('every byte is as it was', before.files, after.files),
    proveSameFiles('every object trusts what it did', before.objects, after.objects),
  ]);
}

/** Kills a stage halfway, like a power failure, and resumes it. */
export async function rehearseInterruption(
  rehearsal: RotationRehearsal,
  stage: readonly [authority: string, stage: string],
): Promise<readonly Proof[]> {
  const { watch, rescue } = rehearsal;
  const [ca] = stage;
  const seen = await watch.measure(`interrupt: ${stage.join(' ')}`, () => cutOff(rehearsal, stage));
  const answer = await watch.measure(`resume: ${stage.join(' ')}`, () =>
    rescue('certs', 'rotate-ca', ca, '--resume', '--yes'),
  );
  return nameProofs('cut-off', [seen, proveAnswer(`certs rotate-ca ${ca} --resume ends it`, answer, 'done')]);
}

async function cutOff(
  { cluster, lab, deps, rescue }: RotationRehearsal,
  [ca, stage]: readonly [string, string],
): Promise<Proof> {
  const { host, clock } = deps;
  const folder = lab.nodeFile(cluster.node, RUNS);
  const earlier = new Set(await host.list(folder));
  const power = new AbortController();
  const over = new AbortController();
  const ended = rescue
    .until(power.signal, 'certs', 'rotate-ca', ca, '--stage', stage, '--yes')
    .then(
      () => 'it came to its end',
      () => 'killed',
    )
    .finally(() => over.abort());
  let lines = 0;
  while (lines < CUT_AT_LINE && !over.signal.aborted) {
    await clock.sleep(POLL_MS, deps.signal);
    lines = await countLines(host, folder, earlier);
  }
  power.abort(new Error('the power is gone'));
  const how = await ended;
  return {
    name: `certs rotate-ca ${ca} --stage ${stage} was killed in its midst`,
    ok: how === 'killed',
    detail: `${how}, when its journal had ${lines} lines`,
  };
}

async function countLines(
  host: RotationRehearsal['deps']['host'],
  folder: HostPath,
  earlier: ReadonlySet<string>,
): Promise<number> {
  const run = (await host.list(folder))?.find((name) => !earlier.has(name));
  if (run === undefined) return 0;
  const journal = await host.readFile(joinPath(folder, run, 'journal.jsonl'));
  return (
    Buffer.from(journal ?? new Uint8Array())
      .toString()
      .split('\n').length - 1
  );
}

function runOf({ envelope }: RescueAnswer): string {
  return envelope?.ok === true ? String((envelope.result as { readonly runId?: unknown }).runId) : 'none';
}
