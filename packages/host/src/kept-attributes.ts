import type { HostPath } from './host-path.ts';

/** A write that could not carry over what belongs to the replaced file beside its mode and owner. */
export interface AttributeLoss {
  readonly path: HostPath;
  /** The address of the machine; default: this one. */
  readonly machine?: string | undefined;
  /** The message of the program that failed. */
  readonly reason: string;
}

export type OnAttributesLost = (loss: AttributeLoss) => void;

/** Begins the line with the reason of a loss. */
const LOST = 'attributes lost: ';

/**
 * `keep_attributes OLD NEW`: gives the access list, the extended attributes and the SELinux label of a regular file to an empty
 * new one, then closes the new one to all but its owner: its bytes are written before its mode is set. Prints a line when
 * that fails, and succeeds in any case.
 *
 * `cp` of coreutils is the one program that every node has for it, and it fails when it cannot keep what was asked for. The
 * character after the permission bits tells a list (`+`) and a label (`.`); it has to be equal afterwards. A change of mode
 * later leaves the entries of a list as they are, and sets its mask: acl(5).
 */
export const KEEP_ATTRIBUTES = `
newline='
'
have_equal_marks() {
  lines=$(ls -ldnq -- "$1" "$2") || return 1
  first=\${lines%%"$newline"*}
  second=\${lines#*"$newline"}
  first=\${first%% *}
  second=\${second%% *}
  [ "\${first#??????????}" = "\${second#??????????}" ]
}
keep_attributes() {
  [ -f "$1" ] && [ ! -L "$1" ] || return 0
  if failure=$(cp --attributes-only --preserve=mode,xattr -PT -- "$1" "$2" 2>&1); then
    have_equal_marks "$1" "$2" || failure='they differ afterwards'
  else
    failure=\${failure:-cp failed}
  fi
  chmod 0600 "$2"
  [ -z "$failure" ] || printf '${LOST}%s\\n' "$failure"
}
`;

/** The reason of a loss in the output of a script with {@link KEEP_ATTRIBUTES}; `undefined` when all was kept. */
export function attributeLossOf(output: string): string | undefined {
  const line = output.split('\n').find((each) => each.startsWith(LOST));
  return line?.slice(LOST.length).trim();
}
