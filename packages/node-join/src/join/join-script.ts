import type { JoinBundleInput } from './join-bundle-input.ts';

/** One file of a bundle, as its script knows it. */
interface BundleEntry {
  /** Its name in the bundle's folder `files`. */
  readonly name: string;
  /** Where it belongs on the worker. */
  readonly path: string;
  readonly mode: number;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** SHA-256 in hexadecimal. */
  readonly digest: string;
}

type ScriptInput = Omit<JoinBundleInput, 'files'> & { readonly entries: readonly BundleEntry[] };

/**
 * The script of a bundle, for any POSIX shell with coreutils. It asks for nothing and needs nothing of ours on the worker.
 *
 * Exits as kube-rescue does: 0 done, 2 wrong usage, 4 refused and nothing changed, 5 failed and taken back, 6 failed and not
 * everything taken back, 7 changed but the kubelet was not seen to run.
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
# Brings ${node} back into its cluster. As root, in this folder: sh join.sh
# sh join.sh --undo puts back what was there. --root DIR works below a folder instead of /.
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
    --root) shift; root=\${1:?--root needs a folder}; root=\${root%/} ;;
    *) say "usage: sh join.sh [--undo] [--root DIR]"; exit 2 ;;
  esac
  shift
done
kept=$root/var/lib/kube-rescue/join-$NODE

replace() { # source, target, mode, owner
  folder=$(dirname "$2")
  temporary=$folder/.$(basename "$2").kube-rescue.tmp
  rm -f -- "$temporary" && cp -- "$1" "$temporary" && chown -- "$4" "$temporary" && chmod -- "$3" "$temporary" &&
    sync -- "$temporary" && mv -f -- "$temporary" "$2" && sync -- "$folder" && return 0
  rm -f -- "$temporary"
  return 1
}

put_back() {
  bad=0
  while read -r name mode owner digest path; do
    if [ -f "$kept/$name" ]; then
      replace "$kept/$name" "$root$path" "$(stat -c %a "$kept/$name")" "$(stat -c %u:%g "$kept/$name")" || { say "not put back: $path"; bad=1; }
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
  [ -f "$kept/whole" ] || refuse "nothing was joined from here: there is no $kept"
  put_back || { say "not everything was put back; the old files are in $kept"; exit 6; }
  restart || { say "everything is put back, but $SERVICE did not start"; exit 7; }
  mv -- "$kept" "$kept.undone.$(date +%s)"
  say "taken back: every file is as it was, $SERVICE was restarted"
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
[ "$(id -u)" = 0 ] || refuse "only root can do this"
[ ! -e "$kept/whole" ] || refuse "an earlier join stands here, or was cut off; take it back first: sh join.sh --undo"
while read -r name mode owner digest path; do
  [ -f "$here/files/$name" ] || refuse "the bundle is not whole: files/$name is missing"
  [ "$(sha256sum <"$here/files/$name" | cut -d ' ' -f 1)" = "$digest" ] || refuse "files/$name is damaged"
  [ -d "$(dirname "$root$path")" ] || refuse "there is no folder for $path"
  { [ -f "$root$path" ] && [ ! -L "$root$path" ]; } || [ ! -e "$root$path" ] || refuse "$path is not a regular file"
  [ ! -L "$root$path" ] || refuse "$path is a link"
done <<EOF
$ENTRIES
EOF

# What is there is kept, whole and on the disk, before the first byte is written.
rm -rf -- "$kept"
mkdir -p -- "$kept" || refuse "cannot make $kept"
while read -r name mode owner digest path; do
  if [ -e "$root$path" ]; then cp -p -- "$root$path" "$kept/$name"; else : >"$kept/$name.absent"; fi || refuse "cannot keep $path"
done <<EOF
$ENTRIES
EOF
sync
: >"$kept/whole"
sync

fail() {
  say "$*"
  put_back || { say "not everything was put back; the old files are in $kept"; exit 6; }
  rm -f -- "$kept/whole"
  say 'every file was put back'
  exit 5
}
trap 'fail "interrupted"' HUP INT TERM
while read -r name mode owner digest path; do
  replace "$here/files/$name" "$root$path" "$mode" "$owner" || fail "cannot write $path"
  [ "$(sha256sum <"$root$path" | cut -d ' ' -f 1)" = "$digest" ] || fail "$path is not what was written"
  say "written: $path"
done <<EOF
$ENTRIES
EOF
trap - HUP INT TERM
undo="take it back with: sh $here/join.sh --undo\${root:+ --root $root}"
restart || { say "the files are written, but $SERVICE did not restart; $undo"; exit 7; }
"$MANAGER" status "$SERVICE" >/dev/null 2>&1 || { say "the files are written, but $SERVICE does not run; $undo"; exit 7; }
say "done: $SERVICE was restarted; see it become Ready on the control plane: kube-rescue nodes list"
say "$undo"
say "then remove this folder, it holds keys: rm -r $here"
`;
