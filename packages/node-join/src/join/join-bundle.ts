import { type JoinBundleInput } from './join-bundle-input.ts';
import { type Host, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { sha256 } from '@kube-rescue/workflow';
import { printable } from '@kube-rescue/errors';
import { JoinError } from '../errors.ts';
import { joinScript } from './join-script.ts';
const PRIVATE_DIRECTORY_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;
const SCRIPT_MODE = 0o700;
/** A kubelet reports fewer than a dozen. */
const MOST_NAMES = 256;
/** Of a DNS name. */
const LONGEST_NAME = 253;
const SSH_HINT = 'join this node over SSH instead';

/** Written last. */
export const BUNDLE_SCRIPT = 'join.sh';
/** The command to run on the worker, in the copied directory. */
export const BUNDLE_COMMAND = `sh ${BUNDLE_SCRIPT}`;

/** One file of a bundle. */
export interface BundleFile {
  /** Relative to the directory of the bundle. */
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/**
 * The files of a bundle, the script last: a directory with the script is complete.
 * @throws JoinError `JOIN_NODE_INVALID` for an unsafe name or address of the Node; `JOIN_FILE_INVALID` for an unsafe path
 */
export function renderJoinBundle(input: JoinBundleInput): readonly BundleFile[] {
  assertPortable(input);
  const entries = input.files.map(({ path, mode, owner = { uid: 0, gid: 0 }, content }, index) => ({
    name: String(index),
    path: hostPath(path),
    mode,
    owner,
    digest: sha256(content),
  }));
  const script = Buffer.from(joinScript({ ...input, entries }));
  return [
    ...input.files.map(({ content }, index) => ({ path: `files/${index}`, mode: PRIVATE_FILE_MODE, content })),
    { path: BUNDLE_SCRIPT, mode: SCRIPT_MODE, content: script },
  ];
}

/**
 * Writes a directory, for its owner only, to copy to a worker and run there with {@link BUNDLE_COMMAND}: the script backs up
 * the present files, writes every file atomically, restarts the kubelet, verifies, and prints the undo command.
 *
 * The bundle contains private keys in plain text: use a trusted transport, and remove the bundle afterwards.
 * @throws JoinError `JOIN_NODE_INVALID` for an unsafe name or address of the Node; `JOIN_FILE_INVALID` when the directory is
 * not empty, or a path is unsafe
 */
export async function writeJoinBundle(
  input: JoinBundleInput,
  folder: HostPath,
  host: Pick<Host, 'list' | 'makeDirectory' | 'writeFile'>,
): Promise<void> {
  const files = renderJoinBundle(input);
  if (((await host.list(folder)) ?? []).length > 0) {
    throw invalid('the bundle directory is not empty; nothing was written', folder, 'give a new directory');
  }
  await makeBundleDirectory(folder, host);
  for (const { path, mode, content } of files) await host.writeFile(joinPath(folder, path), content, { mode });
}

/** Creates the directories of a bundle, for their owner only. */
export async function makeBundleDirectory(folder: HostPath, host: Pick<Host, 'makeDirectory'>): Promise<void> {
  await host.makeDirectory(parentPath(folder), { mode: PRIVATE_DIRECTORY_MODE });
  await host.makeDirectory(joinPath(folder, 'files'), { mode: PRIVATE_DIRECTORY_MODE });
}

/** Names come from the cluster, and the script runs as root: unsafe names are refused, not quoted. */
function assertPortable({ node, names, kubeletService, serviceCommand, files }: JoinBundleInput): void {
  const service = [kubeletService, ...(serviceCommand === undefined ? [] : [serviceCommand])];
  for (const text of [...service, ...files.map(({ path }) => path)]) {
    if (isPortable(text)) continue;
    throw invalid('the path has characters that are unsafe in a script', printable(text));
  }
  // The name becomes a directory on the worker, which is emptied before use.
  if (!/^[A-Za-z0-9][\w.-]*$/.test(node) || node.length > LONGEST_NAME)
    throw oddNode('this is not a valid node name', node);
  if (names.length > MOST_NAMES) throw oddNode(`the Node reports ${names.length} names and addresses`, node);
  const odd = names.find((name) => !isPortable(name) || name.length > LONGEST_NAME);
  if (odd !== undefined) throw oddNode(`the Node reports an invalid name or address, ${shortened(odd)}`, node);
}

function isPortable(text: string): boolean {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) && !text.startsWith('-');
}

function shortened(text: string): string {
  return JSON.stringify(printable(text.length > 60 ? `${text.slice(0, 60)}...` : text));
}

function oddNode(message: string, node: string): JoinError {
  return new JoinError({
    code: 'JOIN_NODE_INVALID',
    message,
    subject: printable(node.slice(0, LONGEST_NAME)),
    hint: SSH_HINT,
  });
}

function invalid(message: string, subject: string, hint = SSH_HINT): JoinError {
  return new JoinError({ code: 'JOIN_FILE_INVALID', message, subject, hint });
}
