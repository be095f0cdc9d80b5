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

/** A valid name of a Node; etcd may hold other names, and one with a slash would lead out of the directory. */
const NODE_NAME = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;
/** The bundles for workers, beside the runs. */
const BUNDLES_DIRECTORY = hostPath('/var/lib/kube-rescue/bundles');
/** The offset of a bundle's name in a path. */
const BUNDLE_AT = BUNDLES_DIRECTORY.length + 1;

interface BundleFinding extends Finding {
  readonly changes: readonly Change[];
}

/**
 * Writes a bundle for each worker that does not report and is not reached over SSH, for the operator to copy there: its files
 * are credentials. A rollback removes the bundles, not the operator's copies.
 */
export function createBundleStep(
  input: {
    /** Names of Nodes that need no bundle: this one, and those that are joined over SSH. */
    readonly except: readonly string[];
    readonly files: readonly JoinFile[];
    readonly kubeletService: string;
  },
  access: ObjectAccess,
  { host, clock }: NodeDeps,
): Step<BundleFinding> {
  const { except, files, kubeletService } = input;
  const digest = sha256(Buffer.concat(files.map(({ content }) => content))).slice(0, 8);
  const directoryOf = (name: string): HostPath => joinPath(BUNDLES_DIRECTORY, `${name}-${digest}`);
  const findUnreachable = async (signal: AbortSignal): Promise<readonly InspectedNode[]> => {
    const nodes = await inspectNodes({ signal }, { store: await access.open(signal), clock });
    return nodes.filter(({ name, isReadyNow }) => !isReadyNow && !except.includes(name) && NODE_NAME.test(name));
  };
  const isThere = async ({ name }: InspectedNode): Promise<boolean> =>
    (await host.list(directoryOf(name)))?.includes(BUNDLE_SCRIPT) ?? false;
  const planned = new Map<string, Edit>();
  const planBundle = async (name: string, signal: AbortSignal): Promise<readonly Edit[]> => {
    const read = await (await access.open(signal)).get({ kind: RESOURCE_KINDS.Node, name }, { signal });
    const bundle = renderJoinBundle({ node: name, names: namesOf(name, read?.object), kubeletService, files });
    return Promise.all(
      bundle.map(async ({ path, mode, content }) => {
        const target = joinPath(directoryOf(name), path);
        const after = sha256(content);
        return { change: await describeReplacement(host, { target, after, fallbackMode: mode }), material: content };
      }),
    );
  };
  return {
    id: 'nodes/bundles',
    title: 'write join bundles for unreachable workers',
    requires: [],
    reversible: 'yes',
    check: async (signal) => {
      try {
        const unreachable = await findUnreachable(signal);
        planned.clear();
        const missing: string[] = [];
        for (const node of unreachable) {
          if (await isThere(node)) continue;
          missing.push(node.name);
          for (const edit of await planBundle(node.name, signal)) planned.set(edit.change.target, edit);
        }
        const evidence = unreachable.map(({ name, problems }) => `${name}: ${problems.join('; ')}`);
        const changes = [...planned.values()].map(({ change }) => change);
        return missing.length === 0
          ? { status: 'ok', summary: 'no worker needs a bundle', evidence, changes }
          : {
              status: 'needed',
              summary: `bundles needed for ${missing.join(', ')}: not reached over SSH (--join)`,
              evidence,
              changes,
            };
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const directories = new Set(changes.map(({ target }) => target.slice(0, target.indexOf('/', BUNDLE_AT))));
      for (const directory of directories) await makeBundleDirectory(hostPath(directory), host);
      await journal.perform(changes.map((change) => planned.get(change.target) ?? { change }));
    },
    verify: async (signal) => {
      const warnings: string[] = [];
      for (const node of await findUnreachable(signal)) {
        const directory = directoryOf(node.name);
        if (!(await isThere(node))) return { verified: false, reason: `${directory} is missing` };
        warnings.push(
          `${node.name} is not Ready: copy ${directory} there, run in it as root: ${BUNDLE_COMMAND}; then remove both copies`,
        );
      }
      return { verified: true, evidence: [], ...(warnings.length === 0 ? {} : { warnings }) };
    },
  };
}
