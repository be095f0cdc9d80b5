import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { CGROUP_ROOT, type ClusterNode, daemonCgroup, nodeFile } from './lab-directory.ts';
import { enterNode } from './node-namespaces.ts';

/** A service of a node. */
export interface ServiceDefinition {
  /** Lower-case letters and hyphens. */
  readonly name: string;
  /** Shell lines that set `"$@"` to the program and its arguments; see {@link unitProgram}. */
  readonly program: string;
}

/** The shell lines that run a unit file's ExecStartPre and set `"$@"` to its ExecStart. */
export function unitProgram(path: string): string {
  return `prepare_unit ${path}
  eval "set -- $(unit_lines ${path} ExecStart)"`;
}

/**
 * The service command, to be run on the node as `PROGRAM start|stop|restart|status NAME`. It exits as LSB init scripts do:
 * status is 0 for a running, 3 for a stopped and 4 for an unknown service.
 */
export function serviceCommand(node: ClusterNode): HostPath {
  return joinPath(node.directory, 'service');
}

/** The same by a path that is equal on every node that has it, for programs that reach several nodes. */
export const SHARED_SERVICE_COMMAND = hostPath('/home/core/service');

/** Puts a link to the node's service command at {@link SHARED_SERVICE_COMMAND}. */
export async function shareServiceCommand(node: ClusterNode, { host }: LabDeps): Promise<void> {
  await host.writeLink(nodeFile(node, SHARED_SERVICE_COMMAND), serviceCommand(node));
}

/** The log file of a service of the node. */
export function serviceLog(node: ClusterNode, name: string): HostPath {
  return joinPath(node.directory, `${name}.log`);
}

/** Writes or replaces the node's service command and the start script of its services. */
export async function installServices(
  node: ClusterNode,
  services: readonly ServiceDefinition[],
  { host }: LabDeps,
): Promise<void> {
  const names = services.map(({ name }) => name);
  await host.writeFile(daemonScript(node), Buffer.from(renderDaemonScript(node, services)), { mode: 0o700 });
  await host.writeFile(serviceCommand(node), Buffer.from(renderServiceScript(node, names)), { mode: 0o700 });
}

export async function startService(node: ClusterNode, name: string, deps: LabDeps): Promise<void> {
  await runCommand(deps, [...enterNode(node), serviceCommand(node), 'start', name]);
}

export async function stopService(node: ClusterNode, name: string, deps: LabDeps): Promise<void> {
  await runCommand(deps, [...enterNode(node), serviceCommand(node), 'stop', name]);
}

export async function isServiceRunning(node: ClusterNode, name: string, deps: LabDeps): Promise<boolean> {
  const argv = [...enterNode(node), serviceCommand(node), 'status', name] as const;
  const { exitCode } = await deps.host.exec(argv, { timeoutMs: 10_000, signal: deps.signal });
  return exitCode === 0;
}

/** Kills the service immediately (SIGKILL). */
export async function killService(node: ClusterNode, name: string, deps: LabDeps): Promise<void> {
  const script = 'read -r pid ticks <"$0" && kill -KILL "$pid"';
  await runCommand(deps, ['sh', '-c', script, joinPath(node.directory, `${name}.pid`)]);
}

function daemonScript(node: ClusterNode): HostPath {
  return joinPath(node.directory, 'daemon.sh');
}

/**
 * Runs a unit file as systemd does: a backslash continues a line, every ExecStartPre must succeed, and variables are not
 * expanded. Other settings, and dollar signs in single quotes, are not supported.
 */
const RUN_UNIT = `unit_lines() {
  sed -e ':again' -e '/\\\\$/{N;s/\\\\\\n */ /;b again' -e '}' "$1" | sed -n -e 's/[$\`]/\\\\&/g' -e "s/^$2=//p"
}
prepare_unit() {
  while read -r line; do
    eval "$line" </dev/null
  done <<END
$(unit_lines "$1" ExecStartPre)
END
}`;

/** The script that becomes the daemon: enters the node's control group, writes the pid file, and executes the program. */
export function renderDaemonScript(node: ClusterNode, services: readonly ServiceDefinition[]): string {
  const cases = services.map(({ name, program }) => `${name})\n  ${program}\n  ;;`);
  return `set -eu
${RUN_UNIT}
name=$1
exec </dev/null >>"${node.directory}/$name.log" 2>&1
for hierarchy in ${CGROUP_ROOT}/*/; do
  group=\${hierarchy}${daemonCgroup(node)}
  [ ! -f "$group/cgroup.procs" ] || echo $$ >"$group/cgroup.procs"
done
case $name in
${cases.join('\n')}
esac
read -r stat </proc/$$/stat
echo "$$ $(echo "\${stat##*) }" | cut -d ' ' -f 20)" >"${node.directory}/$name.pid"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
`;
}

/** The node's service command; see {@link serviceCommand}. */
export function renderServiceScript(node: ClusterNode, names: readonly string[]): string {
  return `#!/bin/sh
# Starts and stops the services of node ${node.name}: service start|stop|restart|status ${names.join('|')}
set -u
action=\${1-} name=\${2-}
case $name in
${names.join(' | ')}) ;;
*)
  echo "no service named '$name'" >&2
  exit 4
  ;;
esac
pid_file=${node.directory}/$name.pid
pid=

# A pid may be reused; with its start time it identifies one process. A zombie does not run.
is_running() {
  read -r pid ticks 2>/dev/null <"$pid_file" || return 1
  read -r stat 2>/dev/null <"/proc/$pid/stat" || return 1
  stat=\${stat##*) }
  [ "\${stat%% *}" != Z ] && [ "$(echo "$stat" | cut -d ' ' -f 20)" = "$ticks" ]
}

start() {
  is_running && return 0
  rm -f "$pid_file"
  setsid --fork sh ${node.directory}/daemon.sh "$name" </dev/null >/dev/null 2>&1
  for _ in $(seq 100); do
    [ ! -s "$pid_file" ] || return 0
    sleep 0.05
  done
  echo "$name did not start; see ${node.directory}/$name.log" >&2
  return 1
}

stop() {
  is_running || return 0
  kill -TERM "$pid"
  for _ in $(seq 200); do
    is_running || return 0
    sleep 0.05
  done
  kill -KILL "$pid"
  for _ in $(seq 100); do
    is_running || return 0
    sleep 0.05
  done
  echo "$name does not stop" >&2
  return 1
}

case $action in
start) start ;;
stop) stop ;;
restart) stop && start ;;
status) is_running || exit 3 ;;
*)
  echo "usage: $0 start|stop|restart|status NAME" >&2
  exit 2
  ;;
esac
`;
}
