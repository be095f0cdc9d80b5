import {
  fieldsAt,
  type ObjectAccess,
  type ObjectStore,
  replaceEdit,
  RESOURCE_KINDS,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import { type Change, type Edit, type Finding, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import type { WantedSecret } from './credentials.ts';

interface SecretFinding extends Finding {
  readonly changes: readonly Change[];
}

/**
 * Updates Secrets of control-plane pods without a cached copy on a node, such as that of kube-controller-manager. A pod reads
 * its Secret when it starts.
 *
 * @param input.wanted the Secrets, worked out again on each call
 */
export function createSecretStep(
  input: {
    readonly requires: readonly StepId[];
    readonly wanted: (signal: AbortSignal) => Promise<readonly WantedSecret[]>;
  },
  access: ObjectAccess,
): Step<SecretFinding> {
  const planned = new Map<string, Edit>();
  const findEdits = async (signal: AbortSignal): Promise<readonly Edit[]> => {
    const store = await access.open(signal);
    const edits: Edit[] = [];
    for (const secret of (await input.wanted(signal)).filter(({ data }) => data.size > 0)) {
      const read = await readSecret(secret, store, signal);
      const present = fieldsAt(read?.object, 'data');
      const wanted = [...secret.data].map(([key, bytes]) => [key, Buffer.from(bytes).toString('base64')] as const);
      const changed = wanted.filter(([key, text]) => present[key] !== text);
      if (read === undefined || changed.length === 0) continue;
      const data = { ...present, ...Object.fromEntries(changed) };
      edits.push(replaceEdit(access.source, read, { ...read.object, data }));
    }
    return edits;
  };
  return {
    id: 'objects/secrets',
    title: "update the credentials in the control plane's Secrets",
    requires: input.requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        planned.clear();
        const edits = await findEdits(signal);
        for (const edit of edits) planned.set(edit.change.target, edit);
        const changes = edits.map(({ change }) => change);
        const names = changes.map(({ target }) => target).join(', ');
        return changes.length === 0
          ? {
              status: 'ok',
              summary: 'every Secret of the control plane is up to date',
              evidence: [],
              changes,
            }
          : { status: 'needed', summary: `${names} to be changed`, evidence: [], changes };
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: (changes, journal) => journal.perform(changes.map((change) => planned.get(change.target) ?? { change })),
    verify: async (signal) => {
      const left = (await findEdits(signal)).map(({ change }) => change.target);
      if (left.length === 0) return { verified: true, evidence: ['every Secret holds the new credentials'] };
      return {
        verified: false,
        reason: `another client writes to ${left.join(', ')}`,
        hint: 'find that client and stop it',
      };
    },
  };
}

async function readSecret(
  { namespace, name }: WantedSecret,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  return store.get({ kind: RESOURCE_KINDS.Secret, namespace, name }, { signal });
}
