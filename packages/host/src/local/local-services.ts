import { existsSync } from 'node:fs';
import { HostError, type HostErrorCode } from '../errors.ts';
import type { ExecResult, Host, ServiceAction, ServiceControl, ServiceState } from '../host.ts';
import type { HostPath } from '../host-path.ts';

type Exec = Host['exec'];

/** systemd gives a unit 90 s to start and 90 s to stop (DefaultTimeoutStartSec); a restart is both. */
const ACTION_TIMEOUT_MS = 200_000;
const STATUS_TIMEOUT_MS = 10_000;
/** This directory exists on machines booted by systemd; the test of sd_booted(3). */
export const SYSTEMD_SIGN = '/run/systemd/system';

/** LSB exit codes of init scripts: 3 not running, 4 unknown, 5 not installed; systemctl uses them too. */
const LSB_RUNNING = 0;
const LSB_STOPPED = 3;
const LSB_UNKNOWN: readonly number[] = [4, 5];

/** The service manager of this machine; a service command takes precedence over systemd. */
export function createLocalServices(exec: Exec, serviceCommand: HostPath | undefined): ServiceControl {
  return createServices(exec, { serviceCommand, hasSystemd: existsSync(SYSTEMD_SIGN) });
}

/** The service manager of the machine that `exec` runs programs on. */
export function createServices(
  exec: Exec,
  { serviceCommand, hasSystemd }: { readonly serviceCommand: HostPath | undefined; readonly hasSystemd: boolean },
): ServiceControl {
  if (serviceCommand !== undefined) return commandServices(exec, serviceCommand);
  return hasSystemd ? systemdServices(exec) : noServices;
}

function commandServices(exec: Exec, program: HostPath): ServiceControl {
  return {
    async status(name) {
      const result = await answer(exec([program, 'status', name], { timeoutMs: STATUS_TIMEOUT_MS }));
      if (result?.exitCode === LSB_RUNNING) return 'running';
      return result?.exitCode === LSB_STOPPED ? 'stopped' : 'unknown';
    },
    async act(action, name) {
      const result = exec([program, action, name], { timeoutMs: ACTION_TIMEOUT_MS });
      await assertDone(result, action, name, `run it by hand to see why: ${program} ${action} ${name}`);
    },
  };
}

/** Services of systemd, through `systemctl`. */
export function systemdServices(exec: Exec): ServiceControl {
  return {
    async status(name) {
      // Not is-active: before systemd 254 it reports a missing unit as inactive.
      const argv = ['systemctl', 'show', '--property=LoadState', '--property=ActiveState', '--', name] as const;
      const result = await answer(exec(argv, { timeoutMs: STATUS_TIMEOUT_MS }));
      return result === undefined ? 'unknown' : unitState(result);
    },
    async act(action, name) {
      const result = exec(['systemctl', action, '--', name], { timeoutMs: ACTION_TIMEOUT_MS });
      await assertDone(result, action, name, `see why in: journalctl -u ${name} -n 50`);
    },
  };
}

function unitState({ exitCode, stdout }: ExecResult): ServiceState {
  const properties = stdout.split('\n');
  if (exitCode !== 0 || !properties.includes('LoadState=loaded')) return 'unknown';
  const isIn = (...states: readonly string[]): boolean =>
    states.some((state) => properties.includes(`ActiveState=${state}`));
  if (isIn('active', 'reloading')) return 'running';
  // Also of a unit that waits for its next start after it has ended (auto-restart): systemd.service(5), Restart.
  return isIn('activating') ? 'starting' : 'stopped';
}

const noServices: ServiceControl = {
  status: async () => 'unknown',
  act: async (action, name) => {
    throw new HostError({
      code: 'HOST_SERVICE_UNKNOWN',
      message: `cannot ${action} the service: no systemd and no service command`,
      subject: name,
      hint: 'pass a program that starts and stops services with --service-command',
    });
  },
};

/** `undefined` when the service manager does not respond. */
async function answer(result: Promise<ExecResult>): Promise<ExecResult | undefined> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}

async function assertDone(
  result: Promise<ExecResult>,
  action: ServiceAction,
  name: string,
  hint: string,
): Promise<void> {
  const { exitCode, stderr } = await result.catch((cause: unknown) => {
    if (!(cause instanceof HostError)) throw cause;
    const message = `cannot ${action} the service: ${cause.message}`;
    throw new HostError({ code: 'HOST_SERVICE_FAILED', message, subject: name, hint, cause });
  });
  if (exitCode === 0) return;
  const code: HostErrorCode = LSB_UNKNOWN.includes(exitCode) ? 'HOST_SERVICE_UNKNOWN' : 'HOST_SERVICE_FAILED';
  const reason = stderr.trim().split('\n').at(-1) ?? '';
  const said = reason === '' ? '' : `: ${reason}`;
  throw new HostError({ code, message: `cannot ${action} the service (exit ${exitCode})${said}`, subject: name, hint });
}
