import { describeError, isRecoveryError } from '@kube-rescue/errors';
import { type Host, hostPath, parentPath } from '@kube-rescue/host';
import { type Change, describeReplacement, type Finding, sha256, type Step } from '@kube-rescue/workflow';
import { inspectNetwork, type NetworkDeps, type NetworkInput } from './network-inspection.ts';
import type { FileStatus, NetworkState } from './network-state.ts';
import { verifyNetwork } from './network-verification.ts';

/** The network state with the planned changes. */
export interface NetworkFinding extends Finding {
  readonly network: NetworkState;
  readonly changes: readonly Change[];
}

export interface NetworkStepInput extends NetworkInput {
  /** Steps that must be done before. Default: none. */
  readonly requires?: readonly string[] | undefined;
  /**
   * Steps that may fix the cause of `blocked` or `unknown`: no pod CIDR, no objects. Default: none.
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
const DIRECTORY_MODE = 0o755;

/**
 * Writes the files that the network plugin needs to start, as the plugin would write them. Both files are one unit; a
 * missing directory is created (and stays, empty, after a rollback).
 *
 * Writes nothing for a plugin that files cannot start, and does not overwrite files of a running flannel.
 */
export function createNetworkStep(input: NetworkStepInput, deps: NetworkStepDeps): Step<NetworkFinding> {
  const { requires = [], waitsFor = [] } = input;
  const { host } = deps;
  const inspect = (signal: AbortSignal): Promise<NetworkState> => inspectNetwork(input, deps, signal);
  return {
    id: NETWORK_STEP_ID,
    title: 'write the files of the network plugin',
    requires,
    reversible: 'yes',
    check: async (signal) => {
      const network = await inspect(signal);
      const { status, summary, evidence, code, subject, hint } = network;
      const finding = { status, summary, evidence, code, subject, hint, network };
      try {
        const changes = await Promise.all(openFiles(network).map((file) => describeFile(file, host)));
        return status === 'blocked' || status === 'unknown'
          ? { ...finding, waitsFor, changes }
          : { ...finding, changes };
      } catch (error) {
        if (!isRecoveryError(error)) throw error;
        const { code: reason, subject: where, hint: fix } = error;
        const problem = { code: reason, subject: where, hint: fix, summary: describeError(error) };
        return { ...finding, ...problem, status: 'blocked', changes: [] };
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      const files = openFiles(await inspect(signal));
      const edits = changes.map((change) => {
        const file = files.find(({ path }) => path === change.target);
        return { change, material: file && Buffer.from(file.text) };
      });
      const found = edits.filter(
        ({ change, material }) => material !== undefined && change['after'] === sha256(material),
      );
      for (const { change } of found) {
        await host.makeDirectory(parentPath(hostPath(change.target)), { mode: DIRECTORY_MODE });
      }
      await journal.perform(found);
    },
    verify: async (signal) => verifyNetwork(await inspect(signal), host, signal),
  };
}

function openFiles({ status, files }: NetworkState): readonly FileStatus[] {
  return status === 'needed' ? files.filter(({ state }) => state === 'missing' || state === 'stale') : [];
}

async function describeFile({ path, text }: FileStatus, host: NetworkStepDeps['host']): Promise<Change> {
  return describeReplacement(host, { target: path, after: sha256(Buffer.from(text)), fallbackMode: FILE_MODE });
}
