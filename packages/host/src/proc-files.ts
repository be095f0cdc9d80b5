/** Of the fields after the command name in /proc/PID/stat, `starttime`: field 22 of proc_pid_stat(5). */
const START_TIME_AFTER_NAME = 22 - 3;

/** The arguments in the text of /proc/PID/cmdline. */
export function argvOf(cmdline: string): readonly string[] {
  if (cmdline === '') return [];
  return (cmdline.endsWith('\0') ? cmdline.slice(0, -1) : cmdline).split('\0');
}

/**
 * The real user ID, which comes first (proc_pid_status(5)): a set-user-ID program has the effective ID of its owner, and the
 * user who starts it chooses its arguments.
 */
export function uidOf(status: string): number {
  return Number(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}

/** The effective user ID, which follows the real one. */
export function effectiveUidOf(status: string): number {
  return Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}

/** Counts from the last parenthesis: the command name before it may contain blanks and parentheses. */
export function startTicksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[START_TIME_AFTER_NAME]);
}
