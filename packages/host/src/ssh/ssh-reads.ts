import { HostError } from '../errors.ts';
import type { FileStat, HostFiles } from '../host.ts';
import { type RemoteScript, remoteFailure, type RunScript, STATUS } from './remote-script.ts';
import type { RemoteResult } from './ssh-connection.ts';

type HostFileReads = Pick<
  HostFiles,
  'readFile' | 'readRange' | 'stat' | 'readLink' | 'list' | 'freeBytes' | 'assertWritable'
>;

/** The limit of local files. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
const PERMISSION_BITS = 0o7777;

/** Sets `seen` to the output of `stat`; `%f` is the mode in hexadecimal. Ends the script when the path is missing. */
const LOOK = `
look() {
  if ! seen=$(stat "$@" 2>&1); then
    case $seen in *'No such file or directory'* | *'Not a directory'*) exit ${STATUS.notThere} ;; esac
    printf '%s\\n' "$seen" >&2
    exit 1
  fi
}
`;

const READ = `${LOOK}
look -L -c '%f %s %F' -- "$1"
case $seen in 8???' '*) ;; *) printf '%s\\n' "\${seen#* * }" >&2; exit ${STATUS.notRegular} ;; esac
size=\${seen#* }
[ "\${size%% *}" -le "$2" ] || exit ${STATUS.tooLarge}
exec cat -- "$1"
`;

/** $2 first byte, counted from 1; $3 bytes. */
const READ_RANGE = `${LOOK}
look -L -c '%f %F' -- "$1"
case $seen in 8???' '*) ;; *) printf '%s\\n' "\${seen#* }" >&2; exit ${STATUS.notRegular} ;; esac
tail -c "+$2" -- "$1" | head -c "$3"
`;

const STAT = `${LOOK}
look -c '%f %u %g %s %Y' -- "$1"
printf '%s' "$seen"
`;

const READ_LINK = `
[ -L "$1" ] || exit ${STATUS.notThere}
exec readlink -n -- "$1"
`;

const LIST = `${LOOK}
look -L -c '%f' -- "$1"
case $seen in 4???) ;; *) exit ${STATUS.notThere} ;; esac
exec find "$1/" -mindepth 1 -maxdepth 1 -printf '%f\\0'
`;

const NEAREST = `
near=$1
while [ ! -d "$near" ]; do near=\${near%/*}; near=\${near:-/}; done
`;

const FREE = `${NEAREST}
exec stat -f -c '%a %S' -- "$near"
`;

const WRITABLE = `${NEAREST}
[ -w "$near" ] || exit ${STATUS.notThere}
`;

/** The reads of {@link HostFiles} on another machine. */
export function createSshFileReads(run: RunScript, userId: number): HostFileReads {
  const ask = async (script: RemoteScript, attempted: string, subject: string): Promise<RemoteResult | undefined> => {
    const result = await run(script);
    if (result.exitCode === 0) return result;
    if (result.exitCode === STATUS.notThere) return undefined;
    throw result.exitCode === STATUS.tooLarge ? tooLarge(subject) : remoteFailure(result, attempted, subject);
  };
  return {
    readFile: async (file) => {
      const maxOutputBytes = MAX_FILE_BYTES + 1;
      const script = { text: READ, args: [file, String(MAX_FILE_BYTES)], maxOutputBytes };
      const result = await ask(script, 'read the file', file);
      if (result !== undefined && result.stdout.length > MAX_FILE_BYTES) throw tooLarge(file);
      return result?.stdout;
    },
    readRange: async (file, { offset, length }) => {
      const args = [file, String(offset + 1), String(length)];
      return (await ask({ text: READ_RANGE, args, maxOutputBytes: length + 1 }, 'read the file', file))?.stdout;
    },
    stat: async (file) => {
      const result = await ask({ text: STAT, args: [file] }, 'stat the file', file);
      return result && parseStat(result.stdout.toString());
    },
    readLink: async (file) => (await ask({ text: READ_LINK, args: [file] }, 'read the link', file))?.stdout.toString(),
    list: async (directory) => {
      const result = await ask({ text: LIST, args: [directory] }, 'list the directory', directory);
      return result?.stdout.toString().split('\0').slice(0, -1).toSorted();
    },
    freeBytes: async (directory) => {
      const result = await ask({ text: FREE, args: [directory] }, 'read the free space', directory);
      const [blocks = NaN, size = NaN] = (result?.stdout.toString() ?? '').split(' ').map(Number);
      return blocks * size;
    },
    assertWritable: async (directory) => {
      const result = await ask({ text: WRITABLE, args: [directory] }, 'write in the directory', directory);
      if (result === undefined) throw notWritable(directory, userId);
    },
  };
}

function parseStat(text: string): FileStat {
  const [mode = '', uid, gid, size, modified] = text.split(' ');
  const bits = Number.parseInt(mode, 16);
  const kinds: Readonly<Record<number, FileStat['kind']>> = { 0x8: 'file', 0x4: 'directory', 0xa: 'symlink' };
  return {
    kind: kinds[bits >> 12] ?? 'other',
    mode: bits & PERMISSION_BITS,
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    modifiedAt: new Date(Number(modified) * 1000),
  };
}

function tooLarge(subject: string): HostError {
  return new HostError({
    code: 'HOST_FILE_TOO_LARGE',
    message: `the file is larger than ${MAX_FILE_BYTES} bytes`,
    subject,
    hint: 'check the file: certificates and manifests are smaller',
  });
}

/** For root, only a read-only filesystem prevents writing. */
function notWritable(subject: string, userId: number): HostError {
  const isRoot = userId === 0;
  return new HostError({
    code: isRoot ? 'HOST_READ_ONLY' : 'HOST_PERMISSION_DENIED',
    message: `cannot write in the directory:  ${isRoot ? 'the filesystem is read-only' : 'permission denied'}`,
    subject,
    hint: isRoot ? 'see in dmesg why it is read-only, then remount it with: mount -o remount,rw' : 'log in as root',
  });
}
