import { describeError, isRecoveryError } from '@kube-rescue/errors';
import { type Host, hostPath, parentPath } from '@kube-rescue/host';
import { type Change, describeReplacement, type Finding, sha256, type Step } from '@kube-rescue/workflow';
import { inspectNetwork, type NetworkDeps, type NetworkInput } from './network-inspection.ts';
import type { FileStatus, NetworkState } from './network-state.ts';
import { verifyNetwork } from './network-verification.ts';

/** What the step saw, with the changes that follow from it. */
export interface NetworkFinding extends Finding {
  readonly sight: NetworkState;
  readonly changes: readonly Change[];
}

export interface NetworkStepInput extends NetworkInput {
  /** Steps that must be done before. Default: none. */
  readonly requires?: readonly string[] | undefined;
  /**
   * Steps that may yet cure what keeps this one from knowing: no pod CIDR, no objects. Default: none.
   */
  readonly waitsFor?: readonly string[] | undefined;
}

export interface NetworkStepDeps extends Omit<NetworkDeps, 'host'> {
  readonly host: Pick<
    Host,
    'readFile' | 'readLink' | 'stat' | 'list' | 'processes' | 'exec' | 'makeDirectory' | 'remove'
  >;
}

export const NETWORK_STEP_ID = 'network/bootstrap';

const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;

/**
 * Writes the files that the network plugin needs before it can run, as it would write them itself. Both are one unit; a
 * folder that is missing is made (and is left where it is by a rollback, empty).
 *
 * It writes nothing for a plugin that no file can start, and nothing over what a running flannel has written.
 */
export function createNetworkStep(input: NetworkStepInput, deps: NetworkStepDeps): Step<NetworkFinding> {
  const { requires = [], waitsFor = [] } = input;
  const { host } = deps;
  const look = (signal: AbortSignal): Promise<NetworkState> => inspectNetwork(input, deps, signal);
  return {
    id: NETWORK_STEP_ID,
    title: 'write the files that the network plugin needs',
    requires,
    reversible: 'yes',
    check: async (signal) => {
      const sight = await look(signal);
      const { status, summary, evidence, code, subject, hint } = sight;
      const finding = { status, summary, evidence, code, subject, hint, sight };
      try {
        const changes = await Promise.all(openFiles(sight).map((file) => describeFile(file, host)));
        return status === 'blocked' || status === 'unknown'
          ? { ...finding, waitsFor, changes }
          : { ...finding, changes };
      } catch (error) {
        if (!isRecoveryError(error)) throw error;
        const { code: reason, subject: where, hint: cure } = error;
        const problem = { code: reason, subject: where, hint: cure, summary: describeError(error) };
        return { ...finding, ...problem, status: 'blocked', changes: [] };
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      const files = openFiles(await look(signal));
      const edits = changes.map((change) => {
        const file = files.find(({ path }) => path === change.target);
        return { change, material: file && Buffer.from(file.text) };
      });
      const found = edits.filter(
        ({ change, material }) => material !== undefined && change['after'] === sha256(material),
      );
      for (const { change } of found) {
        await host.makeDirectory(parentPath(hostPath(change.target)), { mode: FOLDER_MODE });
      }
      await journal.perform(found);
    },
    verify: async (signal) => verifyNetwork(await look(signal), host, signal),
  };
}

function openFiles({ status, files }: NetworkState): readonly FileStatus[] {
  return status === 'needed' ? files.filter(({ state }) => state === 'missing' || state === 'stale') : [];
}

async function describeFile({ path, text }: FileStatus, host: NetworkStepDeps['host']): Promise<Change> {
  return describeReplacement(host, { target: path, after: sha256(Buffer.from(text)), fallbackMode: FILE_MODE });
}
