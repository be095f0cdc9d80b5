import type { JoinBundleInput } from './join-bundle-input.ts';

/** One file in the script of a bundle. */
interface BundleEntry {
  /** Its name in the directory `files` of the bundle. */
  readonly name: string;
  /** Its path on the worker. */
  readonly path: string;
  readonly mode: number;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** SHA-256 in hexadecimal. */
  readonly digest: string;
}

type ScriptInput = Omit<JoinBundleInput, 'files'> & { readonly entries: readonly BundleEntry[] };

/**
 * The script of a bundle, for any POSIX shell with coreutils. Non-interactive, without kube-rescue on the worker.
 *
 * Exit codes of kube-rescue: 0 done, 2 wrong usage, 4 refused and nothing changed, 5 failed and rolled back, 6 failed and not
 * completely rolled back, 7 changed but the kubelet does not run.
 */
export function joinScript({
  node,
  names,
  kubeletService,
  serviceCommand = 'systemctl',
  entries,
}: ScriptInput): string {
  const table = entries.map(({ name, path, mode, owner: { uid, gid }, digest }) => {
    return `${name} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid} ${digest} ${path}`;
  });
  return `#!/bin/sh
# Rejoins ${node} to its cluster. As root, in this directory: sh join.sh
# sh join.sh --undo restores the old files. --root DIR works below a directory instead of /.
set -u
umask 077
NODE='${node}'
NAMES='${[...names].join(' ').toLowerCase()}'
SERVICE='${kubeletService}'
MANAGER='${serviceCommand}'
ENTRIES='${table.join('\n')}'
${BODY}`;
}

const BODY = `
say() { printf '%s\\n' "$*" >&2; }
refuse() { say "refused, nothing was changed: $*"; exit 4; }

here=$(cd "$(dirname "$0")" && pwd) || exit 4
root=
action=join
while [ $# -gt 0 ]; do
  case $1 in
    --undo) action=undo ;;
    --root) shift; root=\${1:?--root needs a directory}; root=\${root%/} ;;
    *) say "usage: sh join.sh [--undo] [--root DIR]"; exit 2 ;;
  esac
  shift
done
kept=$root/var/lib/kube-rescue/join-$NODE

replace() { # source, target, mode, owner
  directory=$(dirname "$2")
  temporary=$directory/.$(basename "$2").kube-rescue.tmp
  rm -f -- "$temporary" && cp -- "$1" "$temporary" && chown -- "$4" "$temporary" && chmod -- "$3" "$temporary" &&
    sync -- "$temporary" && mv -f -- "$temporary" "$2" && sync -- "$directory" && return 0
  rm -f -- "$temporary"
  return 1
}

put_back() {
  bad=0
  while read -r name mode owner digest path; do
    if [ -f "$kept/$name" ]; then
      replace "$kept/$name" "$root$path" "$(stat -c %a "$kept/$name")" "$(stat -c %u:%g "$kept/$name")" || { say "not restored: $path"; bad=1; }
    elif [ -f "$kept/$name.absent" ]; then
      rm -f -- "$root$path" || { say "not removed: $path"; bad=1; }
    fi
  done <<EOF
$ENTRIES
EOF
  return $bad
}

restart() { "$MANAGER" restart "$SERVICE"; }

if [ "$action" = undo ]; then
  [ -f "$kept/whole" ] || refuse "no join to undo: $kept does not exist"
  put_back || { say "not every file was restored; the old files are in $kept"; exit 6; }
  restart || { say "every file was restored, but $SERVICE did not start"; exit 7; }
  mv -- "$kept" "$kept.undone.$(date +%s)"
  say "undone: every file was restored, $SERVICE was restarted"
  exit 0
fi

own=$( (uname -n; hostname -f; ip -o addr | sed -n '/inet6* 127[.]/d; /inet6* ::1\\//d; s|.*inet6* \\([0-9a-f.:]*\\).*|\\1|p') 2>/dev/null | tr 'A-Z' 'a-z')
match=
for name in $NAMES; do
  for each in $own; do
    if [ "$name" = "$each" ] || [ "$name" = "\${each%%.*}" ] || [ "\${name%%.*}" = "$each" ]; then match=yes; fi
  done
done
[ -n "$match" ] || refuse "this bundle is for $NODE, and this machine is $(uname -n)"
[ "$(id -u)" = 0 ] || refuse "run this as root"
[ ! -e "$kept/whole" ] || refuse "an earlier join is active or was interrupted; undo it first: sh join.sh --undo"
while read -r name mode owner digest path; do
  [ -f "$here/files/$name" ] || refuse "the bundle is incomplete: files/$name is missing"
  [ "$(sha256sum <"$here/files/$name" | cut -d ' ' -f 1)" = "$digest" ] || refuse "files/$name is damaged"
  [ -d "$(dirname "$root$path")" ] || refuse "the directory of $path does not exist"
  { [ -f "$root$path" ] && [ ! -L "$root$path" ]; } || [ ! -e "$root$path" ] || refuse "$path is not a regular file"
  [ ! -L "$root$path" ] || refuse "$path is a link"
done <<EOF
$ENTRIES
EOF

# The backup is complete and on disk before the first write.
rm -rf -- "$kept"
mkdir -p -- "$kept" || refuse "cannot create $kept"
while read -r name mode owner digest path; do
  if [ -e "$root$path" ]; then cp -p -- "$root$path" "$kept/$name"; else : >"$kept/$name.absent"; fi || refuse "cannot back up $path"
done <<EOF
$ENTRIES
EOF
sync
: >"$kept/whole"
sync

fail() {
  say "$*"
  put_back || { say "not every file was restored; the old files are in $kept"; exit 6; }
  rm -f -- "$kept/whole"
  say 'every file was restored'
  exit 5
}
trap 'fail "interrupted"' HUP INT TERM
while read -r name mode owner digest path; do
  replace "$here/files/$name" "$root$path" "$mode" "$owner" || fail "cannot write $path"
  [ "$(sha256sum <"$root$path" | cut -d ' ' -f 1)" = "$digest" ] || fail "$path differs from what was written"
  say "written: $path"
done <<EOF
$ENTRIES
EOF
trap - HUP INT TERM
undo="undo with: sh $here/join.sh --undo\${root:+ --root $root}"
restart || { say "the files are written, but $SERVICE did not restart; $undo"; exit 7; }
"$MANAGER" status "$SERVICE" >/dev/null 2>&1 || { say "the files are written, but $SERVICE does not run; $undo"; exit 7; }
say "done: $SERVICE was restarted; check on the control plane that the node becomes Ready: kube-rescue nodes list"
say "$undo"
say "then remove this directory, which contains private keys: rm -r $here"
`;
