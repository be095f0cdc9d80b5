import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import {
  type Change,
  type ChangeKind,
  createChangeRegistry,
  type FileDigest,
  hostChangeKinds,
  type PathState,
  type UndoPreview,
} from '@kube-rescue/workflow';
import { type NodeAccess, type OpenNode, workerFailed } from './node-access.ts';

/** Replaces or creates a file on a worker; as `file.replace`. */
export interface NodeFileReplace extends Change {
  readonly kind: 'node.file.replace';
  /** `NODE:PATH` */
  readonly target: string;
  readonly path: string;
  readonly node: NodeAccess;
  readonly before: PathState;
  readonly after: FileDigest;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Restarts a service of a worker; as `service.restart`. */
export interface NodeServiceRestart extends Change {
  readonly kind: 'node.service.restart';
  /** `NODE:SERVICE` */
  readonly target: string;
  readonly service: string;
  readonly node: NodeAccess;
}

/**
 * The kinds of change on workers: `node.file.replace`, `node.service.restart`. They do what the kinds without
 * `node.` do, on the machine that the change names; undo records and old bytes stay in the journal on this host.
 *
 * An error of an unreachable worker names the worker; its changes stay active until a later rollback.
 */
export function createNodeChangeKinds(open: OpenNode): readonly ChangeKind[] {
  return [
    onWorker<NodeFileReplace>(open, {
      kind: 'node.file.replace',
      undoOrder: 'reverse',
      local: ({ path, ...change }) => ({ ...change, kind: 'file.replace', target: path }),
      describe: ({ target, before, mode }) =>
        `${before === 'absent' ? 'create' : 'replace'} ${target} (${mode.toString(8).padStart(4, '0')})`,
    }),
    onWorker<NodeServiceRestart>(open, {
      kind: 'node.service.restart',
      undoOrder: 'last',
      local: ({ service, ...change }) => ({ ...change, kind: 'service.restart', target: service }),
      describe: ({ target }) => `restart the service ${target}`,
    }),
  ] as readonly ChangeKind[];
}

interface WorkerKind<C> extends Pick<ChangeKind, 'undoOrder'> {
  readonly kind: C extends { readonly kind: infer K } ? K : never;
  /** The change without the name of the worker. */
  readonly local: (change: C) => Change;
  readonly describe: (change: C) => string;
}

function onWorker<C extends Change & { readonly node: NodeAccess }>(
  open: OpenNode,
  { kind, undoOrder, local, describe }: WorkerKind<C>,
): ChangeKind<C> {
  const through = async <T>(given: C, action: (own: ChangeKind, change: Change) => Promise<T>): Promise<T> => {
    try {
      const change = local(given);
      // The file and service kinds use only the parts of a host that a worker has.
      const own = createChangeRegistry(hostChangeKinds((await open(given.node)) as unknown as Host)).get(change.kind);
      if (own === undefined) throw new Error(`no change kind ${change.kind}`);
      return await action(own, change);
    } catch (error) {
      if (!isRecoveryError(error) || error.code === 'JOURNAL_CORRUPT') throw error;
      throw workerFailed(given.node.address, error);
    }
  };
  return {
    kind,
    undoOrder,
    describe,
    preflight: (given) => through(given, (own, change) => own.preflight(change)),
    staleness: (given) => through(given, (own, change) => own.staleness(change)),
    capture: (given, after, backup, material) =>
      through(given, (own, change) => own.capture(change, after, backup, material)),
    apply: (given, material, whileWaiting) =>
      through(given, (own, change) => own.apply(change, material, whileWaiting)),
    previewUndo: (given, captured, backup) =>
      through(given, async (own, change) => {
        const ready: UndoPreview = { state: 'ready', kept: undefined, replaced: undefined };
        return own.previewUndo?.(change, captured, backup) ?? ready;
      }),
    undo: (given, captured, backup) => through(given, (own, change) => own.undo(change, captured, backup)),
  };
}
