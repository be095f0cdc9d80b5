import type { RotationRehearsal } from './rotation-rehearsal.ts';
import type { FailedRequest, LoadClient, Proof } from '@kube-rescue/lab';
import { nameProofs, proveAnswer } from '../proofs/proofs.ts';
import type { RescueAnswer } from '../rescue-command.ts';
import { rehearseInterruption, rehearseRollback } from './rotation-rollback.ts';

/** The failed requests of the clients of a cluster during one stage of a rotation. */
export interface StageUnderLoad {
  readonly stage: string;
  readonly seconds: number;
  /** The API server had another process after the stage. */
  readonly restartedApiServer: boolean;
  readonly failures: readonly { readonly client: string; readonly at: string; readonly reason: string }[];
}

/** A rotation of CAs under load; survives JSON. */
export interface RotationUnderLoad {
  readonly requests: Readonly<Record<string, number>>;
  readonly stages: readonly StageUnderLoad[];
}

/** The CAs, as `certs rotate-ca` names them and as kubeadm names their files. */
const CA_DEFINITIONS = [
  { id: 'cluster', name: 'ca' },
  { id: 'front-proxy', name: 'front-proxy-ca' },
  { id: 'etcd', name: 'etcd/ca' },
] as const;
const STAGES = ['trust', 'issue', 'drop'] as const;

export interface TimedStage {
  readonly stage: string;
  readonly from: Date;
  readonly to: Date;
  readonly restartedApiServer: boolean;
}

/**
 * Rotates every CA of a healthy cluster to a new key, stage by stage, under a continuous load. Proves that no request of a
 * workload fails, and that API requests fail only while the API server itself restarts.
 */
export async function rehearseRotation(rehearsal: RotationRehearsal): Promise<RotationUnderLoad> {
  const { cluster, lab, deps, watch, proofs } = rehearsal;
  proofs.push(await proveNoAlarm(rehearsal, 'before'));
  await watch.measure('run pods of every kind of controller', () => lab.createRollingWorkloads(cluster, deps));
  const load = await watch.measure('put a load on it', () => lab.startLoad(cluster, deps));
  const stages: TimedStage[] = [];
  const old = new Map<string, string>();
  for (const { id, name } of CA_DEFINITIONS) {
    old.set(name, await lab.readCa(cluster, name, deps));
    for (const stage of STAGES) {
      const done = await rehearseStage(rehearsal, id, stage);
      stages.push(done.timed);
      proofs.push(...done.proofs);
      if (proofs.some(({ ok }) => !ok)) break;
    }
    if (proofs.some(({ ok }) => !ok)) break;
  }
  const seen = await watch.measure('end the load', () => load.stop());
  const report: RotationUnderLoad = {
    requests: seen.requests,
    stages: attributeFailures(seen.failures, stages),
  };
  proofs.push(...nameProofs('load', judgeLoad(seen.requests, report.stages)));
  if (proofs.some(({ ok }) => !ok)) return report;
  for (const { name } of CA_DEFINITIONS) {
    const input = { ca: name, old: old.get(name) ?? '' };
    const life = await watch.measure(`prove that ${name} is another one`, () =>
      lab.proveRotation(cluster, input, deps),
    );
    proofs.push(...nameProofs(`life of ${name}`, life));
  }
  proofs.push(await proveNoAlarm(rehearsal, 'after'));
  return report;
}

/** Proves that `certs check --cluster` reports no problem in the files and objects of a healthy cluster. */
async function proveNoAlarm({ watch, rescue }: RotationRehearsal, when: string): Promise<Proof> {
  const answer = await watch.measure(`look for alarms ${when} it`, () => rescue('certs', 'check', '--cluster'));
  return proveAnswer(`${when}: certs check --cluster finds nothing wrong with a healthy cluster`, answer);
}

async function rehearseStage(
  rehearsal: RotationRehearsal,
  ca: string,
  stage: string,
): Promise<{ readonly timed: TimedStage; readonly proofs: readonly Proof[] }> {
  const { cluster, lab, deps } = rehearsal;
  const name = `${ca} ${stage}`;
  const before = await lab.identifyApiServer(cluster, deps);
  const from = deps.clock.now();
  const proofs = await (WITH_MORE[name] ?? carryOutAndProve)(rehearsal, ca, stage);
  const to = deps.clock.now();
  const restartedApiServer = (await lab.identifyApiServer(cluster, deps)) !== before;
  return { timed: { stage: name, from, to, restartedApiServer }, proofs };
}

type StageRehearsal = (rehearsal: RotationRehearsal, authority: string, stage: string) => Promise<readonly Proof[]>;

/** Stages with further proofs besides their run: one of each kind, because the others behave alike. */
const WITH_MORE: Readonly<Record<string, StageRehearsal>> = {
  'cluster trust': async (rehearsal, authority, stage) => {
    const { cluster, lab, deps } = rehearsal;
    const before = await lab.listPodUids(cluster, deps);
    const answer = await carryOut(rehearsal, authority, stage, '--restart-pods');
    const after = await lab.listPodUids(cluster, deps);
    const told = answer.envelope?.warnings ?? [];
    const restart = lab.proveRollingRestart(before, after, told);
    return [proveStage(authority, stage, answer), ...nameProofs('restart-pods', restart)];
  },
  'cluster issue': async (rehearsal, authority, stage) => {
    const once = () => carryOut(rehearsal, authority, stage);
    const back = await rehearseRollback(rehearsal, `${authority} --stage ${stage}`, once);
    return back.every(({ ok }) => ok)
      ? [...back, ...(await rehearseInterruption(rehearsal, [authority, stage]))]
      : back;
  },
};

const carryOutAndProve: StageRehearsal = async (rehearsal, ca, stage) => [
  proveStage(ca, stage, await carryOut(rehearsal, ca, stage)),
];

function carryOut(
  { watch, rescue }: RotationRehearsal,
  ca: string,
  stage: string,
  ...more: readonly string[]
): Promise<RescueAnswer> {
  const args = ['certs', 'rotate-ca', ca, '--stage', stage, ...more, '--yes'];
  return watch.measure(`rotate: ${ca} ${stage}`, () => rescue(...args));
}

function proveStage(ca: string, stage: string, answer: RescueAnswer): Proof {
  return proveAnswer(`rotate: certs rotate-ca ${ca} --stage ${stage}`, answer, 'done');
}

/**
 * Assigns each failed request to the stage of its time, from the begin of a stage to the begin of the next. Of several stages
 * the request belongs to the one that restarted the API server, if any: the request may have begun just before, or waited long.
 */
export function attributeFailures(
  failures: readonly FailedRequest[],
  stages: readonly TimedStage[],
): readonly StageUnderLoad[] {
  const owned = Map.groupBy(failures, ({ at, until }) => {
    const during = stages.filter(({ from }, index) => {
      const next = stages[index + 1];
      return from <= until && (next === undefined || next.from > at);
    });
    return during.find(({ restartedApiServer }) => restartedApiServer) ?? during[0] ?? stages[0];
  });
  return stages.map((timed) => ({
    stage: timed.stage,
    seconds: (timed.to.getTime() - timed.from.getTime()) / 1000,
    restartedApiServer: timed.restartedApiServer,
    failures: (owned.get(timed) ?? []).map(({ client, at, reason }) => ({ client, at: at.toISOString(), reason })),
  }));
}

const CLIENTS: readonly LoadClient[] = ['administrator', 'unchanged client', 'pod', 'workload'];
/** This stage removes the CA of the unchanged client: the API server must reject the client from then on. */
const REFUSES_UNCHANGED = 'cluster drop';

/** Judges the load: every client sent requests, only expected requests failed, and the unchanged client was rejected. */
export function judgeLoad(
  requests: Readonly<Record<string, number>>,
  stages: readonly StageUnderLoad[],
): readonly Proof[] {
  const dropped = stages.findIndex(({ stage }) => stage === REFUSES_UNCHANGED);
  const unexpected = stages.flatMap(({ stage, restartedApiServer, failures }, at) =>
    failures
      .filter(({ client }) => client === 'workload' || !restartedApiServer)
      .filter(({ client }) => client !== 'unchanged client' || dropped === -1 || at < dropped)
      .map(({ client, at: time, reason }) => `${stage}, ${time}, ${client}: ${reason}`),
  );
  const asked = CLIENTS.map((client) => `${client} ${requests[client] ?? 0}`).join(', ');
  const refused = stages.slice(dropped === -1 ? stages.length : dropped).flatMap(({ failures }) => failures);
  return [
    {
      name: 'every client has asked all the while',
      ok: CLIENTS.every((client) => (requests[client] ?? 0) > 0),
      detail: `requests: ${asked}`,
    },
    {
      name: 'no request failed but while the API server itself restarted',
      ok: unexpected.length === 0,
      detail: unexpected.length === 0 ? describeExpected(stages) : unexpected.join('; '),
    },
    {
      name: 'the client that never changed was refused once its CA was dropped',
      ok: refused.some(({ client, reason }) => client === 'unchanged client' && reason.includes('401')),
      detail: `${refused.filter(({ client }) => client === 'unchanged client').length} of its requests were`,
    },
  ];
}

function describeExpected(stages: readonly StageUnderLoad[]): string {
  const restarts = stages.filter(({ restartedApiServer }) => restartedApiServer);
  if (restarts.length === 0) return 'it was never restarted';
  const told = restarts.map(({ stage, failures }) => {
    const own = failures.filter(({ client }) => client !== 'unchanged client');
    return `${stage}: ${own.length}`;
  });
  return `failed while it restarted: ${told.join(', ')}`;
}
