import { Buffer } from 'node:buffer';
import type { Host, ProcessInfo, ProgramFile } from '../host.ts';
import { isSelected } from '../process-selection.ts';
import { argvOf, effectiveUidOf, startTicksOf, uidOf } from '../proc-files.ts';
import { remoteFailure, type RunScript } from './remote-script.ts';

const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
const FIELDS = 7;

/**
 * Seven fields for each process, ended by NUL: pid, then status, command line, stat and cgroup in base64, owner and mode of the
 * program, network namespace.
 */
const PROCESSES = `
cd /proc || exit 1
own=$(readlink self/ns/net) || exit 1
printf '%s\\000' "$own"
for pid in [0-9]*; do
  net=$(readlink "$pid/ns/net" 2>/dev/null) || continue
  printf '%s\\000' "$pid"
  for file in status cmdline stat cgroup; do
    base64 -w0 "$pid/$file" 2>/dev/null
    printf '\\000'
  done
  stat -L -c '%u %a' "$pid/exe" 2>/dev/null | tr -d '\\n'
  printf '\\000%s\\000' "$net"
done
exit 0
`;

/** Every process of another machine, with one script. */
export function createSshProcesses(run: RunScript): Pick<Host, 'processes'> {
  return {
    processes: async (selection = {}) => {
      const result = await run({ text: PROCESSES, args: [], maxOutputBytes: MAX_OUTPUT_BYTES });
      if (result.exitCode !== 0) throw remoteFailure(result, 'list the processes', '/proc');
      const [own, ...fields] = result.stdout.toString().split('\0');
      const found: ProcessInfo[] = [];
      for (let at = 0; at + FIELDS < fields.length + 1; at += FIELDS) {
        const process = toProcess(fields.slice(at, at + FIELDS), own);
        if (process !== undefined && isSelected(process, selection)) found.push(process);
      }
      return found;
    },
  };
}

function toProcess(fields: readonly string[], ownNetwork: string | undefined): ProcessInfo | undefined {
  const [pid, status = '', cmdline = '', stat = '', cgroup = '', program = '', network] = fields;
  const textOf = (base64: string): string => Buffer.from(base64, 'base64').toString();
  // The process exited during the read.
  if (status === '' || stat === '' || cgroup === '') return undefined;
  return {
    pid: Number(pid),
    uid: uidOf(textOf(status)),
    effectiveUid: effectiveUidOf(textOf(status)),
    program: toProgram(program),
    argv: argvOf(textOf(cmdline)),
    startTicks: startTicksOf(textOf(stat)),
    cgroup: textOf(cgroup),
    hasOtherNetwork: network !== ownNetwork,
  };
}

/** Owner and octal mode, as `stat` prints them. */
function toProgram(text: string): ProgramFile | 'unreadable' {
  const [uid = '', mode = ''] = text.split(' ');
  return mode === '' ? 'unreadable' : { uid: Number(uid), mode: Number.parseInt(mode, 8) };
}
