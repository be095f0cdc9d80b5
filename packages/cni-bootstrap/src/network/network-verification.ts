import { fieldsAt, isRecord, listAt, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type ExecResult, type Host, type HostPath, joinPath, parentPath } from '@kube-rescue/host';
import type { Verdict } from '@kube-rescue/workflow';
import type { NetworkState } from './network-state.ts';

const TIMEOUT_MS = 20_000;
const CONTAINER = 'kube-rescue-check';

/** A missing path, so that even a misbehaving plugin creates nothing. */
const NOWHERE = '/nonexistent';

/** A plugin that does not exist: the flannel plugin fails to delegate, after it has read its files. */
const MISSING_DELEGATE = 'kube-rescue-no-delegate';

/** Errors of the plugin for an unusable `subnet.env`: cni-plugin `flannel.go` loadFlannelSubnetEnv and missing. */
const REFUSAL = /subnet\.env|FLANNEL_|invalid CIDR|failed to load netconf/i;

/**
 * Runs the plugin binary with the files: a request to add a container, delegated to a plugin that does not exist. The
 * plugin loads the configuration and `subnet.env`, and creates nothing.
 *
 * Does not prove that pods have a network: only the next pod of the container runtime does.
 */
export async function verifyNetwork(
  state: NetworkState,
  host: Pick<Host, 'exec' | 'remove'>,
  signal: AbortSignal,
): Promise<Verdict> {
  if (state.status !== 'ok') return { verified: false, reason: state.summary, hint: state.hint };
  const { program, directories } = state;
  const subnet = state.files.find(({ purpose }) => purpose === 'subnet');
  const configuration = state.files.find(({ purpose }) => purpose === 'configuration');
  if (subnet === undefined || configuration === undefined) return { verified: true, evidence: [state.summary] };
  const evidence = state.files.map(({ path }) => `${path} is up to date`);
  if (program === undefined) {
    const warnings = ['the plugin binary is still missing, so no plugin has loaded the files'];
    return { verified: true, evidence, warnings };
  }
  const dataDir = parentPath(subnet.path);
  try {
    const result = await host.exec([program], {
      timeoutMs: TIMEOUT_MS,
      signal,
      input: requestOf(configuration.text, dataDir),
      env: environmentOf(directories?.binaries.value ?? []),
    });
    return judgeAnswer(result, program, subnet.path, evidence);
  } catch (error) {
    if (isRecoveryError(error, 'HOST_UNSUPPORTED')) {
      return { verified: true, evidence, warnings: ['this is a copy of the node, so no plugin has loaded the files'] };
    }
    if (!isRecoveryError(error)) throw error;
    return { verified: false, reason: `${program} cannot be run: ${error.message}`, hint: error.hint };
  } finally {
    // The plugin records the request there before it delegates.
    await host.remove(joinPath(dataDir, CONTAINER));
  }
}

function judgeAnswer(result: ExecResult, program: HostPath, file: HostPath, evidence: readonly string[]): Verdict {
  const message = errorOf(result);
  if (message === undefined) {
    const reason = `${program} does not answer as a CNI plugin: exit ${result.exitCode}`;
    return { verified: false, reason, hint: 'reinstall the plugin' };
  }
  if (message.includes(MISSING_DELEGATE))
    return { verified: true, evidence: [...evidence, `${program} has loaded ${file}`] };
  if (REFUSAL.test(message)) {
    return { verified: false, reason: `${program} rejects the files: ${message}`, hint: 'fix what the plugin reports' };
  }
  return {
    verified: true,
    evidence,
    warnings: [`it is unknown whether ${program} has loaded ${file}; its answer: ${message}`],
  };
}

/** The variables of the CNI specification. */
function environmentOf(directories: readonly HostPath[]): Readonly<Record<string, string>> {
  return {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: CONTAINER,
    CNI_NETNS: `${NOWHERE}/netns`,
    CNI_IFNAME: 'eth0',
    CNI_PATH: directories.join(':'),
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
}

/** The configuration of the first plugin, as a container runtime would send it. */
function requestOf(text: string, dataDir: HostPath): string {
  const whole: unknown = JSON.parse(text);
  const isList = isRecord(whole) && Object.hasOwn(whole, 'plugins');
  const plugin = isList ? listAt(whole, 'plugins')[0] : fieldsAt(whole);
  const name = textAt(whole, 'name') ?? 'cbr0';
  const cniVersion = textAt(whole, 'cniVersion') ?? '0.2.0';
  const delegate = { ...fieldsAt(plugin, 'delegate'), type: MISSING_DELEGATE };
  return JSON.stringify({ ...plugin, name, cniVersion, dataDir, delegate });
}

/** The error that a plugin prints as JSON on stdout; `undefined` without one. */
function errorOf({ stdout, exitCode }: ExecResult): string | undefined {
  try {
    const message: unknown = JSON.parse(stdout);
    const texts = [textAt(message, 'msg'), textAt(message, 'details')].filter(
      (each) => each !== undefined && each !== '',
    );
    return texts.length === 0 && exitCode !== 0 ? undefined : texts.join(': ');
  } catch {
    return undefined;
  }
}
