import { type JoinBundleInput } from './join-bundle-input.ts';
import { type Host, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { sha256 } from '@kube-rescue/workflow';
import { JoinError } from '../errors.ts';
import { joinScript } from './join-script.ts';
const PRIVATE_DIRECTORY_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;
const SCRIPT_MODE = 0o700;

/** Written last. */
export const BUNDLE_SCRIPT = 'join.sh';
/** The one command to run on the worker, in the folder that was carried there. */
export const BUNDLE_COMMAND = `sh ${BUNDLE_SCRIPT}`;

/** One file of a bundle. */
export interface BundleFile {
  /** Relative to the folder of the bundle. */
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/**
 * The files of a bundle, the script last: a folder that has it has everything.
 * @throws JoinError `JOIN_FILE_INVALID` when a name or path cannot be carried
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
 * Writes a folder, for its owner only, that is carried to a worker and run there with {@link BUNDLE_COMMAND}: it keeps what
 * is there, writes every file atomically, restarts the kubelet, verifies, and says how to take it back.
 *
 * The files lie in it as they are, keys among them: carry it over something trusted, and remove it afterwards.
 * @throws JoinError `JOIN_FILE_INVALID` when the folder is not empty, or a path cannot be carried
 */
export async function writeJoinBundle(
  input: JoinBundleInput,
  folder: HostPath,
  host: Pick<Host, 'list' | 'makeDirectory' | 'writeFile'>,
): Promise<void> {
  const files = renderJoinBundle(input);
  if (((await host.list(folder)) ?? []).length > 0) {
    throw invalid(
      'the folder for the bundle is not empty; nothing was written',
      folder,
      'give one that is not there yet',
    );
  }
  await makeBundleDirectory(folder, host);
  for (const { path, mode, content } of files) await host.writeFile(joinPath(folder, path), content, { mode });
}

/** Makes the folders of a bundle, for their owner only; does nothing where they are. */
export async function makeBundleDirectory(folder: HostPath, host: Pick<Host, 'makeDirectory'>): Promise<void> {
  await host.makeDirectory(parentPath(folder), { mode: PRIVATE_DIRECTORY_MODE });
  await host.makeDirectory(joinPath(folder, 'files'), { mode: PRIVATE_DIRECTORY_MODE });
}

/** Names come from the cluster, and the script is run as root: what has no business in one is refused, not quoted. */
function assertPortable({ node, names, kubeletService, serviceCommand, files }: JoinBundleInput): void {
  // It names a folder on the worker, which is emptied before it is used.
  if (!/^[A-Za-z0-9][\w.-]*$/.test(node)) {
    throw invalid('this cannot be the name of a node', node, 'join this node over SSH instead');
  }
  const words = [node, ...names, kubeletService, ...(serviceCommand === undefined ? [] : [serviceCommand])];
  for (const text of [...words, ...files.map(({ path }) => path)]) {
    if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text) && !text.startsWith('-')) continue;
    throw invalid('this has characters that no script should carry', text, 'join this node over SSH instead');
  }
}

function invalid(message: string, subject: string, hint: string): JoinError {
  return new JoinError({ code: 'JOIN_FILE_INVALID', message, subject, hint });
}
