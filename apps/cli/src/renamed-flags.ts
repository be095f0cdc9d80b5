/** The part of a flag's definition that names it. */
interface FlagNames {
  readonly aliases?: readonly string[] | undefined;
}

/** A line for each flag that was typed by its former name. The former name still works, and no help shows it. */
export function noticeRenamedFlags(
  argv: readonly string[],
  flags: Readonly<Record<string, FlagNames>>,
): readonly string[] {
  const end = argv.indexOf('--');
  const typed = (end === -1 ? argv : argv.slice(0, end)).map((word) => word.replace(/=.*$/s, ''));
  return Object.entries(flags).flatMap(([name, { aliases = [] }]) =>
    aliases.filter((alias) => typed.includes(`--${alias}`)).map((alias) => `--${alias} is now --${name}`),
  );
}
