import { Buffer } from 'node:buffer';
import type { FileStat, HostFiles } from '../host.ts';
import { baseName, type HostPath, hostPath, parentPath } from '../host-path.ts';
import type { TreeEntry } from '../tree-snapshot.ts';
import type { RunScript } from './remote-script.ts';

const BASE64 = 4 / 3;
/** Size of an entry without its bytes. */
const ENTRY_BYTES = 4096;

/**
 * $1 maximum number of entries, $2 exclusive limit of a file's bytes, then absolute paths. Prints three fields for each entry,
 * ended by NUL: the output of `find`, path, link target; and for each small regular file `bytes`, path, base64. Fails as a
 * whole when any part cannot be read.
 */
const TREE = `
most=$1 below=$2
shift 2
count=$#
while [ "$count" -gt 0 ]; do
  path=$1
  shift
  count=$((count - 1))
  if seen=$(stat -c '%f' -- "$path" 2>&1); then
    set -- "$@" "$path"
  else
    case $seen in *'No such file or directory'* | *'Not a directory'*) ;; *) exit 1 ;; esac
    printf 'none\\000%s\\000\\000' "$path"
  fi
done
[ $# -gt 0 ] || exit 0
[ "$(find "$@" -printf . | wc -c)" -le "$most" ] || exit 1
find "$@" -printf '%y %m %U %G %s %T@\\0%p\\0%l\\0' || exit 1
exec find "$@" -type f -size -"$below"c -exec sh -c '
for file; do
  printf "bytes\\000%s\\000" "$file"
  base64 -w0 <"$file" || exit 1
  printf "\\000"
done' kube-rescue '{}' +
`;

/** Reads whole trees on another machine with one script. */
export function createSshTreeRead(run: RunScript): Pick<HostFiles, 'readTree'> {
  return {
    readTree: async (paths, { maxEntries, maxFileBytes, maxBytes }) => {
      if (paths.length === 0) return new Map();
      const maxOutputBytes = Math.ceil(maxBytes * BASE64) + maxEntries * ENTRY_BYTES;
      const args = [String(maxEntries), String(maxFileBytes + 1), ...new Set(paths)];
      const { exitCode, stdout } = await run({ text: TREE, args, maxOutputBytes: maxOutputBytes + 1 });
      if (exitCode !== 0 || stdout.length > maxOutputBytes) return undefined;
      const tree = parseTree(stdout.toString());
      const bytesRead = [...tree.values()].reduce((sum, entry) => sum + (entry?.bytes?.length ?? 0), 0);
      return bytesRead <= maxBytes ? tree : undefined;
    },
  };
}

interface Found {
  readonly stat: FileStat;
  readonly target: string | undefined;
}

function parseTree(output: string): ReadonlyMap<HostPath, TreeEntry | undefined> {
  const fields = output.split('\0');
  const found = new Map<HostPath, Found | undefined>();
  const bytes = new Map<HostPath, Uint8Array>();
  const names = new Map<HostPath, string[]>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [what = '', text = '', value = ''] = fields.slice(at, at + 3);
    const path = hostPath(text);
    if (what === 'none') found.set(path, undefined);
    else if (what === 'bytes') bytes.set(path, Buffer.from(value, 'base64'));
    else {
      const stat = parseStat(what);
      if (!found.has(path)) names.get(parentPath(path))?.push(baseName(path));
      // find prints a directory before its content.
      if (stat.kind === 'directory' && !names.has(path)) names.set(path, []);
      found.set(path, { stat, target: stat.kind === 'symlink' ? value : undefined });
    }
  }
  return new Map(
    [...found].map(([path, entry]) => [
      path,
      entry && { ...entry, names: names.get(path)?.toSorted(), bytes: bytes.get(path) },
    ]),
  );
}

const KINDS: Readonly<Record<string, FileStat['kind']>> = { f: 'file', d: 'directory', l: 'symlink' };

function parseStat(text: string): FileStat {
  const [kind = '', mode = '', uid, gid, size, modified] = text.split(' ');
  return {
    kind: KINDS[kind] ?? 'other',
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    // Whole seconds, as `stat` of a single path.
    modifiedAt: new Date(Math.floor(Number(modified)) * 1000),
  };
}
