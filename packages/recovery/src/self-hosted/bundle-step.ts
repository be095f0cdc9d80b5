import { type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import {
  BUNDLE_COMMAND,
  BUNDLE_SCRIPT,
  type InspectedNode,
  inspectNodes,
  type JoinFile,
  makeBundleDirectory,
  namesOf,
  renderJoinBundle,
} from '@kube-rescue/node-join';
import {
  type Change,
  describeReplacement,
  type Edit,
  type Finding,
  sha256,
  type Step,
  toErrorFinding,
} from '@kube-rescue/workflow';
import type { NodeDeps } from '@kube-rescue/node';

/** As an API server lets a Node be named; etcd may hold others, and one with a slash would lead out of the folder. */
const NODE_NAME = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;
/** Where folders for workers are left; beside the runs. */
const BUNDLES_DIRECTORY = hostPath('/var/lib/kube-rescue/bundles');
/** Where the name of a bundle begins in a path. */
const FOLDER_AT = BUNDLES_DIRECTORY.length + 1;

interface BundleFinding extends Finding {
  readonly changes: readonly Change[];
}

/**
 * Writes a folder for each worker that is silent and is not reached from here, for a person to carry there: the files are
 * credentials. A rollback removes them; what was carried away is that person's.
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
): Step<BundleFinding> {
  const { except, files, kubeletService } = input;
  const digest = sha256(Buffer.concat(files.map(({ content }) => content))).slice(0, 8);
  const folderOf = (name: string): HostPath => joinPath(BUNDLES_DIRECTORY, `${name}-${digest}`);
  const findSilent = async (signal: AbortSignal): Promise<readonly InspectedNode[]> => {
    const nodes = await inspectNodes({ signal }, { store: await access.open(signal), clock });
    return nodes.filter(({ name, isReadyNow }) => !isReadyNow && !except.includes(name) && NODE_NAME.test(name));
  };
  const isThere = async ({ name }: InspectedNode): Promise<boolean> =>
    (await host.list(folderOf(name)))?.includes(BUNDLE_SCRIPT) ?? false;
  const planned = new Map<string, Edit>();
  const planBundle = async (name: string, signal: AbortSignal): Promise<readonly Edit[]> => {
    const read = await (await access.open(signal)).get({ kind: RESOURCE_KINDS.Node, name }, { signal });
    const bundle = renderJoinBundle({ node: name, names: namesOf(name, read?.object), kubeletService, files });
    return Promise.all(
      bundle.map(async ({ path, mode, content }) => {
        const target = joinPath(folderOf(name), path);
        const after = sha256(content);
        return { change: await describeReplacement(host, { target, after, fallbackMode: mode }), material: content };
      }),
    );
  };
  return {
    id: 'nodes/bundles',
    title: 'write what silent workers need, to be carried there',
    requires: [],
    reversible: 'yes',
    check: async (signal) => {
      try {
        const silent = await findSilent(signal);
        planned.clear();
        const missing: string[] = [];
        for (const node of silent) {
          if (await isThere(node)) continue;
          missing.push(node.name);
          for (const edit of await planBundle(node.name, signal)) planned.set(edit.change.target, edit);
        }
        const evidence = silent.map(({ name, problems }) => `${name}: ${problems.join('; ')}`);
        const changes = [...planned.values()].map(({ change }) => change);
        return missing.length === 0
          ? { status: 'ok', summary: 'no worker waits for anything from here', evidence, changes }
          : { status: 'needed', summary: `nobody said how to reach ${missing.join(', ')} (--join)`, evidence, changes };
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const folders = new Set(changes.map(({ target }) => target.slice(0, target.indexOf('/', FOLDER_AT))));
      for (const folder of folders) await makeBundleDirectory(hostPath(folder), host);
      await journal.perform(changes.map((change) => planned.get(change.target) ?? { change }));
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
