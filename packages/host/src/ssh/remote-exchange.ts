import type { EntryState } from '../host.ts';
import { STATUS } from './remote-script.ts';

/** The states as one argument, a line each; empty: any. */
export function statesArgument(states: readonly EntryState[] | undefined): string {
  return (states ?? []).join('\n');
}

/**
 * `exchange FILE STATES`: renames $temporary to FILE while a second name holds the replaced file, as the adapter of this machine
 * does; see `WriteOptions.replaces`. Between its last look and the rename lies the start of one program.
 */
export const EXCHANGE = `
state_of() {
  if [ -L "$1" ]; then printf 'link:%s\\n' "$(readlink -- "$1")"
  elif [ -f "$1" ]; then sha256sum < "$1" | cut -c -64
  elif [ -e "$1" ]; then printf 'other\\n'
  else printf 'absent\\n'
  fi
}
may_replace() {
  printf '%s\\n' "$2" | grep -qxF -e "$(state_of "$1")" || return 1
}
changed() {
  [ -z "\${1-}" ] || printf '%s\\n' "$1" >&2
  exit ${STATUS.changed}
}
exchange() {
  if [ -z "$2" ]; then mv -fT -- "$temporary" "$1"; return; fi
  held=\${temporary%.tmp}.old
  rm -f -- "$held"
  may_replace "$1" "$2" || changed
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then
    ln -T -- "$temporary" "$1" 2>/dev/null || {
      [ ! -e "$1" ] && [ ! -L "$1" ] || changed
      mv -nT -- "$temporary" "$1"
    }
    rm -f -- "$temporary"
    return
  fi
  if ln -PT -- "$1" "$held" 2>/dev/null; then
    before=$(stat -c %d:%i -- "$held")
    if may_replace "$held" "$2" && [ "$(stat -c %d:%i -- "$1")" = "$before" ]; then :; else rm -f -- "$held"; changed; fi
    made=$(stat -c %d:%i -- "$temporary")
    mv -fT -- "$temporary" "$1"
    if may_replace "$held" "$2"; then rm -f -- "$held"; return; fi
    if [ "$(stat -c %d:%i -- "$1" 2>/dev/null)" = "$made" ]; then mv -fT -- "$held" "$1"; changed; fi
    changed "the bytes that another process wrote before are in $held"
  fi
  may_replace "$1" "$2" || changed
  mv -fT -- "$temporary" "$1"
}
`;

/** Removes $1 in one of the states $4; what was removed is compared, and put back when it was another. */
export const REMOVE_HELD = `
[ -e "$1" ] || [ -L "$1" ] || exit 0
held=\${temporary%.tmp}.old
may_replace "$1" "$4" || changed
mv -fT -- "$1" "$held"
may_replace "$held" "$4" || {
  ln -PT -- "$held" "$1" 2>/dev/null || changed "the bytes that another process wrote before are in $held"
  rm -f -- "$held"
  changed
}
rm -f -- "$held"
sync -- "$directory"
sync -- "\${temporary%/*}/."
`;
