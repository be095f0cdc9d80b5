import { HostError } from '../errors.ts';
import type { HostFiles, WriteOptions } from '../host.ts';
import { baseName, type HostPath, joinPath, parentPath } from '../host-path.ts';
import { attributeLossOf, KEEP_ATTRIBUTES, type OnAttributesLost } from '../kept-attributes.ts';
import { EXCHANGE, REMOVE_HELD, statesArgument } from './remote-exchange.ts';
import { temporaryName } from '../temporary-path.ts';
import { type RemoteScript, remoteFailure, type RunScript, STATUS } from './remote-script.ts';

type HostFileWrites = Pick<
  HostFiles,
  'writeFile' | 'writeFileFrom' | 'appendFile' | 'writeLink' | 'remove' | 'makeDirectory' | 'moveDirectory'
>;

/** Chunk size of a streamed file. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** $1 file, $2 name of the temporary file, $3 `watched` or nothing. Sets directory and temporary, removes an old temporary. */
const STAGE = `
set -eu
umask 077
directory=\${1%/*}
directory=\${directory:-/}
stat -L -c %f -- "$directory/." >/dev/null
temporary=$directory/$2
if [ -n "$3" ]; then
  real=$(readlink -f -- "$directory")
  above=$(dirname -- "$real")
  [ "$real" != / ] && [ "$(stat -c %d -- "$real")" = "$(stat -c %d -- "$above")" ] || exit ${STATUS.noStaging}
  temporary=$above/$2
fi
`;

/** $4 mode, $5 owner or nothing, $6 expected bytes, $7 the states that may be replaced. An incomplete file does not replace the present one. */
const COMMIT = `
[ "$(stat -c %s -- "$temporary")" = "$6" ] || exit ${STATUS.cutOff}
[ -z "$5" ] || chown -- "$5" "$temporary"
chmod -- "$4" "$temporary"
sync -- "$temporary"
exchange "$1" "$7"
sync -- "$directory"
sync -- "\${temporary%/*}/."
`;

const REMOVE_TEMPORARY = `${EXCHANGE}trap 'rm -f -- "$temporary"' EXIT\n`;
const CREATE = `${KEEP_ATTRIBUTES}set -C\n: > "$temporary"\nset +C\nkeep_attributes "$1" "$temporary"\n`;
const BEGIN = `${STAGE}rm -f -- "$temporary"\n${CREATE}`;
const WRITE = `${STAGE}rm -f -- "$temporary"\n${REMOVE_TEMPORARY}${CREATE}cat >> "$temporary"\n${COMMIT}`;
const ADD = `${STAGE}cat >> "$temporary"\n`;
const FINISH = `${STAGE}${REMOVE_TEMPORARY}${COMMIT}`;
const GIVE_UP = `${STAGE}rm -f -- "$temporary"\n`;

/** $1 file, $2 mode, $3 bytes to add. An incomplete addition is undone: half a record is worse than none. */
const APPEND = `
set -eu
umask 077
if [ -e "$1" ] || [ -L "$1" ]; then
  kind=$(stat -c '%f%h %F' -- "$1")
  case $kind in 8???1' '*) ;; *) printf '%s\\n' "\${kind#* }" >&2; exit ${STATUS.notRegular} ;; esac
  size=$(stat -L -c %s -- "$1")
  cat >> "$1" || { truncate -s "$size" -- "$1"; exit 1; }
else
  size=0
  stat -L -c %f -- "\${1%/*}/." >/dev/null
  cat >> "$1"
  chmod -- "$2" "$1"
fi
[ "$(stat -L -c %s -- "$1")" = "$((size + $3))" ] || { truncate -s "$size" -- "$1"; exit ${STATUS.cutOff}; }
sync -- "$1"
sync -- "\${1%/*}/."
`;

/** $1 link, $2 name of the temporary link, $3 nothing, $4 target, $5 owner or nothing, $6 the states that may be replaced. */
const LINK = `${STAGE}rm -f -- "$temporary"
${REMOVE_TEMPORARY}ln -s -- "$4" "$temporary"
[ -z "$5" ] || chown -h -- "$5" "$temporary"
exchange "$1" "$6"
sync -- "$directory"
`;

const REMOVE = `
if [ -e "$1" ] || [ -L "$1" ]; then
  rm -f -- "$1" && sync -- "\${1%/*}/."
fi
`;

/** $1 file, $2 name of the temporary file, $3 `watched` or nothing, $4 the states that may be removed. */
const REMOVE_IN_STATE = `${STAGE}${EXCHANGE}${REMOVE_HELD}`;

/** $1 mode, then every directory from the root down. */
const MAKE_DIRECTORY = `
mode=$1
shift
for each; do
  [ -d "$each" ] && continue
  mkdir -m "$mode" -- "$each" || [ -d "$each" ] || exit 1
  sync -- "\${each%/*}/."
done
`;

/** $1 directory, $2 its new path. `mv` would copy to another filesystem, and move into a directory that exists. */
const MOVE_DIRECTORY = `
set -eu
stat -c %f -- "$1" >/dev/null
[ -d "$1" ] && [ ! -L "$1" ] || { echo 'Not a directory' >&2; exit 1; }
mkdir -- "$2"
rmdir -- "$2"
[ "$(stat -c %d -- "$1")" = "$(stat -L -c %d -- "\${2%/*}/.")" ] || { echo 'Invalid cross-device link' >&2; exit 1; }
mv -T -- "$1" "$2"
sync -- "\${1%/*}/." "\${2%/*}/."
`;

/** The writes of {@link HostFiles} on another machine; needs coreutils there. */
export function createSshFileWrites(run: RunScript, onAttributesLost: OnAttributesLost): HostFileWrites {
  /** @returns the output */
  const tell = async (script: RemoteScript, attempted: string, subject: string): Promise<string> => {
    const result = await run(script);
    if (result.exitCode === STATUS.noStaging) throw stagingUnavailable(subject);
    if (result.exitCode !== 0) throw remoteFailure(result, attempted, subject);
    return result.stdout.toString();
  };
  const perform = async (...input: Parameters<typeof tell>): Promise<void> => {
    await tell(...input);
  };
  const reportLoss = (path: HostPath, output: string): void => {
    const reason = attributeLossOf(output);
    if (reason !== undefined) onAttributesLost({ path, reason });
  };
  return {
    writeFile: async (file, data, options) => {
      const args = [...stagingOf(file, options), ...commitOf(options, data.length)];
      reportLoss(file, await tell({ text: WRITE, args, input: data }, 'write the file', file));
    },
    writeFileFrom: async (file, data, options) => {
      const args = stagingOf(file, options);
      const step = (text: string, more: readonly string[] = [], input?: Uint8Array): Promise<string> =>
        tell({ text, args: [...args, ...more], input }, 'write the file', file);
      const begun = await step(BEGIN);
      try {
        let bytes = 0;
        for await (const piece of inPieces(data)) {
          await step(ADD, [], piece);
          bytes += piece.length;
        }
        await step(FINISH, commitOf(options, bytes));
        reportLoss(file, begun);
      } catch (error) {
        // The operator must see the first failure; the next write removes the temporary file.
        await step(GIVE_UP).catch(() => undefined);
        throw error;
      }
    },
    appendFile: (file, data, { mode }) => {
      const args = [file, octal(mode), String(data.length)];
      return perform({ text: APPEND, args, input: data }, 'append to the file', file);
    },
    writeLink: (file, target, options) => {
      const args = [...stagingOf(file, {}), target, ownerOf(options?.owner), statesArgument(options?.replaces)];
      return perform({ text: LINK, args }, 'write the link', file);
    },
    remove: (file, options) => {
      if (options?.replaces === undefined) return perform({ text: REMOVE, args: [file] }, 'remove', file);
      const args = [...stagingOf(file, options), statesArgument(options.replaces)];
      return perform({ text: REMOVE_IN_STATE, args }, 'remove', file);
    },
    makeDirectory: (directory, { mode }) => {
      const args = [octal(mode), ...ancestorsOf(directory)];
      return perform({ text: MAKE_DIRECTORY, args }, 'make the directory', directory);
    },
    moveDirectory: (from, to) => perform({ text: MOVE_DIRECTORY, args: [from, to] }, 'move the directory', from),
  };
}

function stagingOf(file: HostPath, { watched }: Pick<WriteOptions, 'watched'>): readonly string[] {
  return [file, temporaryName(baseName(file)), watched === true ? 'watched' : ''];
}

function commitOf({ mode, owner, replaces }: WriteOptions, bytes: number): readonly string[] {
  return [octal(mode), ownerOf(owner), String(bytes), statesArgument(replaces)];
}

function ownerOf(owner: WriteOptions['owner']): string {
  return owner === undefined ? '' : `${owner.uid}:${owner.gid}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function ancestorsOf(directory: HostPath): readonly HostPath[] {
  const parent = parentPath(directory);
  return parent === directory ? [] : [...ancestorsOf(parent), joinPath(directory)];
}

async function* inPieces(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of data) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < PIECE_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

function stagingUnavailable(subject: string): HostError {
  return new HostError({
    code: 'HOST_STAGING_UNAVAILABLE',
    message: 'cannot stage the new file: no directory above the watched one is on the same filesystem',
    subject,
    hint: 'stop the kubelet or checkpointer that watches the directory, write the file by hand, and start it again',
  });
}
