import { runCommand } from '../machine/command.ts';
import { isApiReady } from '../cluster/control-plane.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { nodeCgroup, nodeFile } from '../machine/lab-directory.ts';
import { type EquippedNode, runOnNode } from '../cluster/node-command.ts';
import { type Proof, prove } from './proof.ts';
import { waitFor } from '../machine/waiting.ts';

const WINDOW_MS = 5000;
const INTERVAL_MS = 250;
const DEADLINE_MS = 90_000;

/** The certificate serial that one process serves; pid and start time identify the process. */
interface ServingApi {
  readonly process: string;
  readonly serial: string;
}

/**
 * Proves that the API server answers `/readyz` throughout the window, from one process that serves the certificate on disk.
 * One good answer proves little: with a stale copy of its certificate the API server goes down again.
 */
export function proveStableApi(at: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove(
    `/readyz is ok for ${WINDOW_MS / 1000} s from one process that serves the certificate on disk`,
    async () => {
      const { serial, process } = await waitFor(deps, {
        subject: 'kube-apiserver',
        deadlineMs: DEADLINE_MS,
        check: async () => {
          const before = await readServingApi(at, deps);
          if (typeof before === 'string') return { waitingFor: before };
          const answers = await countGoodAnswers(at, deps);
          const after = await readServingApi(at, deps);
          if (typeof after === 'string') return { waitingFor: after };
          if (answers < WINDOW_MS / INTERVAL_MS) return { waitingFor: `/readyz failed after ${answers} good answers` };
          if (after.process !== before.process) return { waitingFor: 'kube-apiserver restarted in between' };
          return { value: after };
        },
      });
      return { ok: true, detail: `${WINDOW_MS / INTERVAL_MS} good answers from process ${process}, serial ${serial}` };
    },
  );
}

async function readServingApi(at: EquippedNode, deps: LabDeps): Promise<ServingApi | string> {
  if (!(await isApiReady(at, deps))) return '/readyz is not ok';
  const process = await findApiServer(at, deps);
  if (process === undefined) return 'kube-apiserver does not run';
  const file = nodeFile(at.node, '/etc/kubernetes/pki/apiserver.crt');
  const onDisk = await runCommand(deps, ['openssl', 'x509', '-noout', '-serial', '-in', file]);
  const served = await servedSerial(at, deps);
  if (served !== onDisk.stdout.trim()) return `kube-apiserver serves ${served}; the file has ${onDisk.stdout.trim()}`;
  return { process, serial: served.replace('serial=', '') };
}

/** The pid and start time of the node's kube-apiserver, or `undefined` unless there is exactly one. */
export async function findApiServer(
  { node }: Pick<EquippedNode, 'node'>,
  { host }: LabDeps,
): Promise<string | undefined> {
  const found = (await host.processes()).filter(
    ({ argv, cgroup }) => argv[0] === 'kube-apiserver' && cgroup.includes(`:/${nodeCgroup(node)}/`),
  );
  return found.length === 1 ? `${found[0]?.pid}/${found[0]?.startTicks}` : undefined;
}

async function servedSerial(at: EquippedNode, deps: LabDeps): Promise<string> {
  const script = 'openssl s_client -connect "$0" </dev/null 2>/dev/null | openssl x509 -noout -serial';
  const { stdout } = await runOnNode(at, ['sh', '-c', script, `${at.node.address}:6443`], deps);
  return stdout.trim();
}

/** Counts good answers in a row, up to the number that fits the window. */
async function countGoodAnswers(at: EquippedNode, deps: LabDeps): Promise<number> {
  let good = 0;
  while (good < WINDOW_MS / INTERVAL_MS && (await isApiReady(at, deps))) {
    good += 1;
    await deps.clock.sleep(INTERVAL_MS, deps.signal);
  }
  return good;
}
