import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { baseName, type Clock, type Host, joinPath } from '@kube-rescue/host';
import { type Change, describeReplacement, type Edit, type StepJournal } from '@kube-rescue/workflow';
import { ManifestError } from '../errors.ts';
import type { Checkpoints } from './checkpoint.ts';
import { findApiServerCheckpoint } from './standstill.ts';

/** What an API server says, or does not, that is dead or has only begun to live. */
const NOT_YET = ['OBJECT_STORE_UNREACHABLE', 'OBJECT_STORE_FAILED', 'OBJECT_FORBIDDEN'] as const;
const TIMEOUT_MS = 180_000;
const INTERVAL_MS = 500;

/** Whether objects cannot be had because the API server, through which they are to be had, does not answer. */
export function isSilentApiServer(error: unknown, objects: ObjectAccess | undefined): boolean {
  return objects?.source.via === 'api' && isRecoveryError(error, ...NOT_YET);
}

/**
 * The manifest with which the kubelet starts the API server from its checkpoint, no checkpointer being there to do it.
 *
 * @returns nothing where it is active already, or is no checkpoint of this node's
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
  const target = joinPath(checkpoints.folders.active, baseName(path));
  const after = typeof edited?.change['after'] === 'string' ? edited.change['after'] : digest;
  const change: Change = await describeReplacement(host, { target, after, fallbackMode: 0o644, watched: true });
  return [{ change, material: edited?.material ?? Buffer.from(source) }];
}

/**
 * Waits until the API server that was started from its checkpoint answers, and changes its objects through it. No
 * checkpointer works meanwhile, so the API server is neither overwritten nor handed over, however long that takes.
 *
 * @throws ManifestError `API_SERVER_SILENT`; as `look` does
 */
export async function changeThroughWindow(
  input: {
    /** What is to be changed, and what the cluster lacks that cannot be made. */
    readonly look: () => Promise<{ readonly edits: readonly Edit[]; readonly missing: readonly string[] }>;
    /** What ends the window. */
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
      if (missing.length > 0) throw silent(`the cluster has no ${missing.join(', no ')}`);
      await journal.perform([...edits, { change: input.end }]);
      return;
    } catch (error) {
      const isLate = clock.now().getTime() - start >= TIMEOUT_MS;
      if (!isRecoveryError(error, ...NOT_YET)) throw error;
      if (isLate) throw silent(`the API server did not answer from its checkpoint in ${TIMEOUT_MS / 1000} s`, error);
    }
    await clock.sleep(INTERVAL_MS, signal);
  }
}

function silent(message: string, cause?: unknown): ManifestError {
  return new ManifestError({
    code: 'API_SERVER_SILENT',
    message,
    subject: 'kube-apiserver',
    hint: 'read its log in /var/log/pods, or change the objects in etcd: --via etcd',
    cause,
  });
}
