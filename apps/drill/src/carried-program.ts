import type { HostPath } from '@kube-rescue/host';
import type { LabDeps, Proof } from '@kube-rescue/lab';
import { DrillError } from './errors.ts';
import type { DrillNode } from './rescue-command.ts';

/** On the node alone, out of the way of Kubernetes: the home directory of its operator. */
const CARRIED = '/home/core/kube-rescue';
const TIMEOUT_MS = 60_000;
const PROGRAMS = 'node nodejs npm npx corepack';

/** Prints every Node.js and npm that a search of PATH finds, and the Node that runs the drill, as files rather than links. */
const FIND = `for name in ${PROGRAMS}; do
  IFS=:
  for directory in $PATH; do
    [ ! -f "$directory/$name" ] || [ ! -x "$directory/$name" ] || readlink -f "$directory/$name"
  done
done
[ ! -x "$0" ] || readlink -f "$0"`;

/** Copies as `scp` does, then covers each program; mounts of a node are its own. */
const CARRY = `set -eu
cp "$0" "${CARRIED}"
chmod 0755 "${CARRIED}"
for program in "$@"; do mount --bind /dev/null "$program"; done`;

/**
 * Copies the one file onto a node, as `scp` would, and hides Node.js and npm from the node, whose programs are otherwise those of
 * the machine. Programs of the lab that run there have a Node.js of their own, which PATH does not name.
 *
 * @param executable the file that `npm run package` makes for this processor
 * @returns the argv of kube-rescue on the node, and the proof that nothing else there could run it
 * @throws DrillError `DRILL_PROGRAM_UNUSABLE`
 */
export async function carryProgram(
  node: Pick<DrillNode, 'enter'>,
  executable: HostPath,
  { host, signal }: Pick<LabDeps, 'host' | 'signal'>,
): Promise<{ readonly program: readonly [string]; readonly proof: Proof }> {
  const run = async (...argv: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await host.exec([...node.enter(), ...argv], { timeoutMs: TIMEOUT_MS, signal });
    if (exitCode === 0) return stdout.trim();
    throw new DrillError({
      code: 'DRILL_PROGRAM_UNUSABLE',
      message: `the program cannot be used on the node: ${stderr.trim()}`,
      subject: executable,
      hint: 'make it with: npm run package; it is for the processor of this machine',
    });
  };
  const find = async (): Promise<readonly string[]> => {
    const found = await run('sh', '-c', `${FIND}; true`, process.execPath);
    return found === '' ? [] : [...new Set(found.split('\n'))];
  };
  const before = await find();
  await run('sh', '-c', CARRY, executable, ...before);
  const after = await find();
  const version = await run('env', '-i', CARRIED, '--version');
  const ok = before.length > 0 && after.length === 0;
  const detail = ok ? `${version.split(' ')[0]}; hidden: ${before.join(', ')}` : `found: ${after.join(', ')}`;
  return { program: [CARRIED], proof: { name: 'the node has the one file, and neither Node.js nor npm', ok, detail } };
}
