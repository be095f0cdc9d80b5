import {
  type KubernetesObject,
  type ObjectAccess,
  type ObjectReplace,
  type ObjectStore,
  replaceEdit,
  RESOURCE_KINDS,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type Finding, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import { JoinError } from '../errors.ts';

/** An edit of a Node, with one line for each field; `undefined` when it is up to date. */
interface NodeEdit {
  readonly next: KubernetesObject;
  readonly edits: readonly string[];
  readonly evidence: readonly string[];
}

export interface NodeEditStepInput {
  readonly id: StepId;
  readonly title: string;
  /** Name of the Node. */
  readonly node: string;
  readonly requires: readonly StepId[];
  /** Pure. */
  readonly edit: (node: KubernetesObject) => NodeEdit | undefined;
}

export interface NodeEditStepDeps {
  readonly objects: ObjectAccess;
  /** The object source of `verify`; default: the same. */
  readonly verifyObjects?: Pick<ObjectAccess, 'open'> | undefined;
}

export interface NodeEditFinding extends Finding {
  readonly changes: readonly ObjectReplace[];
}

/** Kubelets, the node controller and the network plugin also write to Nodes, including taints and annotations. */
const ATTEMPTS = 10;

/**
 * A step that edits one Node by compare-and-swap. On a conflict it rereads and edits the Node again, so that no foreign
 * field is overwritten.
 */
export function createNodeEditStep(input: NodeEditStepInput, deps: NodeEditStepDeps): Step<NodeEditFinding> {
  const { id, title, node, requires, edit } = input;
  const reference = { kind: RESOURCE_KINDS.Node, name: node };
  const read = async (store: ObjectStore, signal: AbortSignal): Promise<StoredObject> => {
    const found = await store.get(reference, { signal });
    if (found === undefined) throw nodeUnknown(node);
    return found;
  };
  return {
    id,
    title,
    requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const found = await read(await deps.objects.open(signal), signal);
        const made = edit(found.object);
        if (made === undefined) return { status: 'ok', summary: `${node} is up to date`, evidence: [], changes: [] };
        const change = replaceEdit(deps.objects.source, found, made.next, made.edits).change as ObjectReplace;
        const summary = `${node} needs changes: ${made.edits.join('; ')}`;
        return { status: 'needed', summary, evidence: made.evidence, changes: [change] };
      } catch (error) {
        return toErrorFinding(error, signal, ({ code }) => code === 'JOIN_NODE_UNKNOWN');
      }
    },
    plan: ({ changes }) => changes,
    apply: async (_changes, journal, signal) => {
      const store = await deps.objects.open(signal);
      for (let attempt = 1; ; attempt += 1) {
        signal.throwIfAborted();
        const found = await read(store, signal);
        const made = edit(found.object);
        if (made === undefined) return;
        try {
          await journal.perform([replaceEdit(deps.objects.source, found, made.next, made.edits)]);
          return;
        } catch (error) {
          if (attempt === ATTEMPTS || !isRecoveryError(error, 'PLAN_STALE', 'OBJECT_CONFLICT')) throw error;
        }
      }
    },
    verify: async (signal) => {
      const store = await (deps.verifyObjects ?? deps.objects).open(signal);
      const found = await read(store, signal);
      const left = edit(found.object);
      if (left === undefined)
        return { verified: true, evidence: [`${node} was read again at revision ${found.revision}`] };
      const reason = `another process reverts the change: ${left.edits.join('; ')}`;
      return { verified: false, reason, hint: 'find the process that writes to the Node, and stop it first' };
    },
  };
}

/** A Node's name, escaped for the path of a step. */
export function stepName(node: string): string {
  return node.toLowerCase().replace(/[^a-z0-9.-]/g, '-');
}

function nodeUnknown(node: string): JoinError {
  return new JoinError({
    code: 'JOIN_NODE_UNKNOWN',
    message: 'the cluster has no node with this name',
    subject: node,
    hint: 'list them with: `kube-rescue nodes list`',
  });
}
