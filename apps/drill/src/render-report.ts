import { count, formatSeconds, indentText, paint, type Terminal } from 'kube-rescue/command-line';
import type { Proof } from '@kube-rescue/lab';
import type { DrillReport } from './drill.ts';
import type { RecoveryTimes } from './recovery/recovery-watch.ts';
import type { StageUnderLoad } from './rotation/rotation-drill.ts';

/** The proofs of a drill and the duration of the recovery, as text. */
export function renderDrill(
  { scenario, kubernetes, proofs, recovery, rotation, seconds }: DrillReport,
  terminal: Terminal,
): string {
  const failed = proofs.filter(({ ok }) => !ok).length;
  const all = count(proofs.length, 'proof');
  const parts = [failed === 0 ? `all ${all} hold` : `${failed} of ${all} do not hold`];
  if (recovery !== null) parts.push(...describeTimes(recovery));
  const summary = `${scenario} on Kubernetes ${kubernetes}: ${[...parts, `${formatSeconds(seconds)} in all`].join(', ')}`;
  const load = rotation === undefined ? [] : ['', ...rotation.stages.flatMap((stage) => renderStage(stage, terminal))];
  return [
    ...proofs.map((proof) => renderProof(proof, terminal)),
    ...load,
    '',
    indentText('', summary, terminal.columns),
  ].join('\n');
}

function describeTimes(recovery: RecoveryTimes): readonly string[] {
  const { secondsToUsableApi, secondsToWorkloads, secondsToService, seconds } = recovery;
  const times = [
    ['API usable', secondsToUsableApi],
    ['new pods', secondsToWorkloads],
    ['ingress name', secondsToService],
    ['recovered', seconds],
  ] as const;
  return times.flatMap(([what, time]) => (time === null ? [] : [`${what} after ${formatSeconds(time)}`]));
}

/** Shows the evidence of failed proofs only; the JSON has all evidence. */
function renderProof({ name, ok, detail }: Proof, terminal: Terminal): string {
  if (ok) return indentText('ok  ', name, terminal.columns).replace('ok', paint('ok', 'green', terminal));
  return indentText('NO  ', `${name}; seen: ${detail}`, terminal.columns).replace('NO', paint('NO', 'red', terminal));
}

/** The failed requests of a stage, one line for each client and reason. */
function renderStage(
  { stage, seconds, restartedApiServer, failures }: StageUnderLoad,
  { columns }: Terminal,
): readonly string[] {
  const restart = restartedApiServer ? ', the API server was restarted' : '';
  const groups = Map.groupBy(failures, ({ client, reason }) => `${client}: ${reason}`);
  return [
    `${stage} (${formatSeconds(seconds)}${restart}): ${failures.length === 0 ? 'no request failed' : `${count(failures.length, 'request')} failed`}`,
    ...[...groups].map(([what, all]) =>
      indentText('    ', `${all.length} x ${what} (${all[0]?.at ?? ''} to ${all.at(-1)?.at ?? ''})`, columns),
    ),
  ];
}
