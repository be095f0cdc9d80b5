import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { baseName, type Clock, type Host, joinPath } from '@kube-rescue/host';
import { type Change, describeReplacement, type Edit, type StepJournal } from '@kube-rescue/workflow';
import { ManifestError } from '../errors.ts';
import type { Checkpoints } from './checkpoint.ts';
import { findApiServerCheckpoint } from './standstill.ts';

/** Errors of an API server that is down or still starting. */
const NOT_YET = ['OBJECT_STORE_UNREACHABLE', 'OBJECT_STORE_FAILED', 'OBJECT_FORBIDDEN'] as const;
const TIMEOUT_MS = 180_000;
const INTERVAL_MS = 500;

/** Whether the objects cannot be read because the API server does not answer. */
export function isApiServerDown(error: unknown, objects: ObjectAccess | undefined): boolean {
  return objects?.source.via === 'api' && isRecoveryError(error, ...NOT_YET);
}

/**
 * The manifest by which the kubelet starts the API server from its checkpoint, without a checkpointer.
 *
 * @returns nothing when it is already active, or this node has no such checkpoint
 */
export async function planActivation(
  checkpoints: Checkpoints,
  files: readonly Edit[],
  { host }: { readonly host: Pick<Host, 'stat' | 'readFile' | 'readLink'> },
): Promise<readonly Edit[]> {
  const checkpoint = findApiServerCheckpoint(checkpoints);
  if (checkpoint?.inactive === undefined || checkpoint.active !== undefined) return [];
  const { path, source, digest } = checkpoint.inactive.manifest;
  const edited = files.find(({ change }) => change.target === path);
  const target = joinPath(checkpoints.directories.active, baseName(path));
  const after = typeof edited?.change['after'] === 'string' ? edited.change['after'] : digest;
  const change: Change = await describeReplacement(host, { target, after, fallbackMode: 0o644, watched: true });
  return [{ change, material: edited?.material ?? Buffer.from(source) }];
}

/**
 * Waits until the API server from the checkpoint answers, and changes objects through it. No
 * checkpointer works meanwhile, so the API server is neither overwritten nor handed over.
 *
 * @throws ManifestError `API_SERVER_NOT_ANSWERING`; as `look` does
 */
export async function changeThroughWindow(
  input: {
    /** The needed edits, and missing objects that cannot be recreated. */
    readonly look: () => Promise<{ readonly edits: readonly Edit[]; readonly missing: readonly string[] }>;
    /** The change that ends the window. */
    readonly end: Change;
    readonly journal: StepJournal;
    readonly signal: AbortSignal;
  },
  { clock }: { readonly clock: Clock },
): Promise<void> {
  const { journal, signal } = input;
  journal.waitingFor('the API server to answer from its checkpoint');
  const start = clock.now().getTime();
  for (;;) {
    try {
      const { edits, missing } = await input.look();
      if (missing.length > 0) throw notAnswering(`the cluster has no ${missing.join(', no ')}`);
      await journal.perform([...edits, { change: input.end }]);
      return;
    } catch (error) {
      const isLate = clock.now().getTime() - start >= TIMEOUT_MS;
      if (!isRecoveryError(error, ...NOT_YET)) throw error;
      if (isLate)
        throw notAnswering(`the API server did not answer from its checkpoint in ${TIMEOUT_MS / 1000} s`, error);
    }
    await clock.sleep(INTERVAL_MS, signal);
  }
}

function notAnswering(message: string, cause?: unknown): ManifestError {
  return new ManifestError({
    code: 'API_SERVER_NOT_ANSWERING',
    message,
    subject: 'kube-apiserver',
    hint: 'check its log in /var/log/pods, or change the objects in etcd: --via etcd',
    cause,
  });
}
