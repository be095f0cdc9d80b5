import { fieldsAt, isRecord, listAt, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type ExecResult, type Host, type HostPath, joinPath, parentPath } from '@kube-rescue/host';
import type { Verdict } from '@kube-rescue/workflow';
import type { NetworkState } from './network-state.ts';

const TIMEOUT_MS = 20_000;
const CONTAINER = 'kube-rescue-check';

/** Nothing is there, so nothing is made even by a plugin that does not do what it is told. */
const NOWHERE = '/nonexistent';

/** A plugin that nobody has: flannel's finds nobody to hand its work to, after it has read everything. */
const NOBODY = 'kube-rescue-nobody';

/** What the plugin says when it cannot use `subnet.env`: cni-plugin `flannel.go` loadFlannelSubnetEnv and missing. */
const REFUSAL = /subnet\.env|FLANNEL_|invalid CIDR|failed to load netconf/i;

/**
 * Lets the network plugin's own program load the files: it is asked to add a container, and to hand the work to a plugin
 * that does not exist. So it reads the configuration and `subnet.env`, and makes nothing.
 *
 * It does not prove that pods have a network: that is seen when the container runtime starts the next one.
 */
export async function verifyNetwork(
  sight: NetworkState,
  host: Pick<Host, 'exec' | 'remove'>,
  signal: AbortSignal,
): Promise<Verdict> {
  if (sight.status !== 'ok') return { verified: false, reason: sight.summary, hint: sight.hint };
  const { program, folders } = sight;
  const subnet = sight.files.find(({ purpose }) => purpose === 'subnet');
  const configuration = sight.files.find(({ purpose }) => purpose === 'configuration');
  if (subnet === undefined || configuration === undefined) return { verified: true, evidence: [sight.summary] };
  const evidence = sight.files.map(({ path }) => `${path} is as it should be`);
  if (program === undefined) {
    const warnings = ["the plugin's program is not there yet, so nobody has read the files"];
    return { verified: true, evidence, warnings };
  }
  const dataDir = parentPath(subnet.path);
  try {
    const result = await host.exec([program], {
      timeoutMs: TIMEOUT_MS,
      signal,
      input: requestOf(configuration.text, dataDir),
      env: environmentOf(folders?.binaries.value ?? []),
    });
    return judgeAnswer(result, program, subnet.path, evidence);
  } catch (error) {
    if (isRecoveryError(error, 'HOST_UNSUPPORTED')) {
      return { verified: true, evidence, warnings: ['this is a copy of the node: nobody has read the files'] };
    }
    if (!isRecoveryError(error)) throw error;
    return { verified: false, reason: `${program} does not run: ${error.message}`, hint: error.hint };
  } finally {
    // The plugin notes there what it was asked for, before it hands the work on.
    await host.remove(joinPath(dataDir, CONTAINER));
  }
}

function judgeAnswer(result: ExecResult, program: HostPath, file: HostPath, evidence: readonly string[]): Verdict {
  const said = sayingOf(result);
  if (said === undefined) {
    const reason = `${program} does not answer as a CNI plugin: exit ${result.exitCode}`;
    return { verified: false, reason, hint: 'install it anew' };
  }
  if (said.includes(NOBODY)) return { verified: true, evidence: [...evidence, `${program} has loaded ${file}`] };
  if (REFUSAL.test(said)) {
    return { verified: false, reason: `${program} does not take the files: ${said}`, hint: 'look at what it says' };
  }
  return {
    verified: true,
    evidence,
    warnings: [`whether ${program} has loaded ${file} is not known; it says: ${said}`],
  };
}

/** The variables of the CNI specification. */
function environmentOf(folders: readonly HostPath[]): Readonly<Record<string, string>> {
  return {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: CONTAINER,
    CNI_NETNS: `${NOWHERE}/netns`,
    CNI_IFNAME: 'eth0',
    CNI_PATH: folders.join(':'),
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
}

/** The first plugin's part of a configuration, as a container runtime would send it. */
function requestOf(text: string, dataDir: HostPath): string {
  const whole: unknown = JSON.parse(text);
  const isList = isRecord(whole) && Object.hasOwn(whole, 'plugins');
  const plugin = isList ? listAt(whole, 'plugins')[0] : fieldsAt(whole);
  const name = textAt(whole, 'name') ?? 'cbr0';
  const cniVersion = textAt(whole, 'cniVersion') ?? '0.2.0';
  const delegate = { ...fieldsAt(plugin, 'delegate'), type: NOBODY };
  return JSON.stringify({ ...plugin, name, cniVersion, dataDir, delegate });
}

/** What a plugin says went wrong: in JSON on its standard output. `undefined` when it says nothing of the kind. */
function sayingOf({ stdout, exitCode }: ExecResult): string | undefined {
  try {
    const said: unknown = JSON.parse(stdout);
    const texts = [textAt(said, 'msg'), textAt(said, 'details')].filter((each) => each !== undefined && each !== '');
    return texts.length === 0 && exitCode !== 0 ? undefined : texts.join(': ');
  } catch {
    return undefined;
  }
}
