import { type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import {
  BUNDLE_COMMAND,
  inspectNodes,
  type InspectedNode,
  type JoinFile,
  namesOf,
  writeJoinBundle,
} from '@kube-rescue/node-join';
import { isRecoveryError } from '@kube-rescue/errors';
import { sha256, type Step } from '@kube-rescue/workflow';
import type { NodeDeps } from '../node-description.ts';

/** As an API server lets a Node be named; etcd may hold others, and one with a slash would lead out of the folder. */
const NODE_NAME = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;
/** Where folders for workers are left; beside the runs. */
const BUNDLES_DIRECTORY = hostPath('/var/lib/kube-rescue/bundles');

/**
 * Writes a folder for each worker that is silent and is not reached from here, for a person to carry there. Removed by
 * nobody but that person: the files are credentials.
 */
export function createBundleStep(
  input: {
    /** Names of Nodes that need none: this one, and those that are joined over SSH. */
    readonly except: readonly string[];
    readonly files: readonly JoinFile[];
    readonly kubeletService: string;
  },
  access: ObjectAccess,
  { host, clock }: NodeDeps,
): Step {
  const { except, files, kubeletService } = input;
  const digest = sha256(Buffer.concat(files.map(({ content }) => content))).slice(0, 8);
  const folderOf = (name: string): HostPath => joinPath(BUNDLES_DIRECTORY, `${name}-${digest}`);
  const findSilent = async (signal: AbortSignal): Promise<readonly InspectedNode[]> => {
    const nodes = await inspectNodes({ signal }, { store: await access.open(signal), clock });
    return nodes.filter(({ name, isReadyNow }) => !isReadyNow && !except.includes(name) && NODE_NAME.test(name));
  };
  const isThere = async ({ name }: InspectedNode): Promise<boolean> =>
    (await host.list(folderOf(name)))?.includes('join.sh') ?? false;
  return {
    id: 'nodes/bundles',
    title: 'write what silent workers need, to be carried there',
    requires: [],
    reversible: 'yes',
    check: async (signal) => {
      try {
        const silent = await findSilent(signal);
        const missing = [];
        for (const node of silent) if (!(await isThere(node))) missing.push(node.name);
        const evidence = silent.map(({ name, problems }) => `${name}: ${problems.join('; ')}`);
        return missing.length === 0
          ? { status: 'ok', summary: 'no worker waits for anything from here', evidence }
          : { status: 'needed', summary: `nobody said how to reach ${missing.join(', ')} (--join)`, evidence };
      } catch (error) {
        signal.throwIfAborted();
        if (!isRecoveryError(error)) throw error;
        const { code, message, subject, hint } = error;
        return { status: 'unknown', summary: message, evidence: [], code, subject, hint };
      }
    },
    plan: () => [],
    apply: async (_changes, _journal, signal) => {
      const store = await access.open(signal);
      for (const { name } of await findSilent(signal)) {
        const read = await store.get({ kind: RESOURCE_KINDS.Node, name }, { signal });
        const bundle = { node: name, names: namesOf(name, read?.object), kubeletService, files };
        if ((await host.list(folderOf(name))) === undefined) await writeJoinBundle(bundle, folderOf(name), host);
      }
    },
    verify: async (signal) => {
      const warnings: string[] = [];
      for (const node of await findSilent(signal)) {
        const folder = folderOf(node.name);
        if (!(await isThere(node))) return { verified: false, reason: `${folder} is not there` };
        warnings.push(
          `${node.name} is not back yet: copy ${folder} there, run in it, as root: ${BUNDLE_COMMAND}; then remove both`,
        );
      }
      return { verified: true, evidence: [], ...(warnings.length === 0 ? {} : { warnings }) };
    },
  };
}
