import type { KubernetesObject, ObjectAccess } from '@kube-rescue/cluster-objects';
import type { JoinFile, Worker } from '@kube-rescue/node-join';
import type { Playbook } from '@kube-rescue/workflow';
import type { Answer } from '../base-command.ts';
import { usageError } from '../envelope.ts';
import { EXIT } from '../exit-codes.ts';
import { answerPlaybook } from '../playbook-run.ts';
import { assertMayWrite, type Session } from '../wiring.ts';
import { withLeftWorkers } from './left-workers.ts';
import { findNode } from './node-access.ts';
import { type SshFlags, toAccess } from './ssh-flags.ts';

export interface JoinInput {
  /** `[USER@]HOST` each. */
  readonly hosts: readonly string[];
  readonly files: readonly JoinFile[];
  readonly access: ObjectAccess;
  readonly ssh: SshFlags;
  readonly readyTimeoutMs: number;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** A worker, and its Node where the cluster has one. */
interface ClusterWorker extends Worker {
  readonly object: KubernetesObject | undefined;
}

/** Joins workers over SSH; exit 3 when one was skipped. */
export async function answerJoin(input: JoinInput, session: Session): Promise<Answer> {
  const { createJoinStep } = await import('@kube-rescue/node-join');
  const { clock } = session;
  const workers = await findWorkers(input, session);
  const { open } = await session.openNodes();
  const step = createJoinStep(
    { workers, readyTimeoutMs: input.readyTimeoutMs },
    { objects: input.access, openNode: open, clock },
  );
  const playbook: Playbook = {
    id: 'nodes-join',
    title: 'Rejoin workers',
    phases: [{ id: 'nodes', title: 'Workers', steps: async () => [step] }],
  };
  const { dryRun, yes } = input;
  const answer = await answerPlaybook({ playbook: async () => playbook, selection: {}, dryRun, yes }, session);
  return withLeftWorkers(answer);
}

/** Writes a bundle for each worker, to be copied there by hand. */
export async function answerBundles(input: JoinInput, directory: string, session: Session): Promise<Answer> {
  const { BUNDLE_COMMAND, namesOf, writeJoinBundle } = await import('@kube-rescue/node-join');
  const { joinPath } = await import('@kube-rescue/host');
  const { localFiles, node } = session;
  const workers = await findWorkers(input, session);
  if (!input.dryRun) assertMayWrite(localFiles.host);
  const bundles = [];
  for (const { node: name, object, files, access } of workers) {
    const target = joinPath(localFiles.path(directory), name);
    const { kubeletService } = node.options;
    const serviceCommand = access.serviceCommand ?? undefined;
    const bundle = { node: name, names: namesOf(name, object), kubeletService, serviceCommand, files };
    if (!input.dryRun) await writeJoinBundle(bundle, target, localFiles.host);
    bundles.push({ node: name, directory: target, command: BUNDLE_COMMAND });
  }
  const lines = bundles.flatMap(({ node: name, directory: target, command }) => [
    `${name}: copy ${target} there, then run in it as root: ${command}`,
  ]);
  return {
    result: { bundles, dryRun: input.dryRun },
    exitCode: input.dryRun ? EXIT.problems : EXIT.done,
    text: () => [...lines, 'The bundles hold private keys: remove them after copying.'].join('\n'),
  };
}

async function findWorkers(
  { hosts, files, access, ssh }: JoinInput,
  session: Session,
): Promise<readonly ClusterWorker[]> {
  const { node, interruption } = session;
  const workers: ClusterWorker[] = [];
  for (const text of hosts) {
    const workerAccess = toAccess(text, ssh, session);
    const object = await findNode(workerAccess.address, access, interruption.signal);
    // The kubelet recreates a deleted Node.
    const name = object?.metadata.name ?? workerAccess.address;
    if (workers.some((worker) => worker.node === name)) throw usageError('node given twice', name, 'give it once');
    workers.push({ node: name, object, access: workerAccess, kubeletService: node.options.kubeletService, files });
  }
  return workers;
}
