import { listAt, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type Host, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import type { Verdict } from '@kube-rescue/workflow';
import { isObject } from './json-fields.ts';
import type { NetworkSight } from './network-sight.ts';

type Prover = Pick<Host, 'exec' | 'remove'>;

const TIMEOUT_MS = 20_000;
const CONTAINER = 'kube-rescue-check';

/** Nothing is there: what the flannel plugin would hand its work to is not found, so nothing is made. */
const NOWHERE = '/nonexistent';

/** What the plugin says when it cannot use `subnet.env`: cni-plugin `flannel.go` loadFlannelSubnetEnv and missing. */
const REFUSAL = /subnet\.env|FLANNEL_|invalid CIDR|failed to load netconf/i;

/**
 * Lets the network plugin's own program load the files: it is asked to add a container and is not given the program that
 * it hands the work to, so it reads `subnet.env`, finds nobody to go on with, and makes nothing.
 *
 * It does not prove that pods have a network: that is seen when the container runtime starts the next one.
 */
export async function verifyNetwork(sight: NetworkSight, host: Prover, signal: AbortSignal): Promise<Verdict> {
  if (sight.status !== 'ok') return { verified: false, reason: sight.summary, hint: sight.hint };
  const evidence = sight.evidence.slice(-sight.files.length);
  const { program } = sight;
  const subnet = sight.files.find(({ purpose }) => purpose === 'subnet');
  const configuration = sight.files.find(({ purpose }) => purpose === 'configuration');
  if (subnet === undefined || configuration === undefined) return { verified: true, evidence: [sight.summary] };
  if (program === undefined) {
    const warnings = ["the plugin's program is not there yet, so nobody has read the files"];
    return { verified: true, evidence, warnings };
  }
  const folder = parentPath(subnet.path);
  const input = requestOf(configuration.text, folder);
  const env = {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: CONTAINER,
    CNI_NETNS: `${NOWHERE}/netns`,
    CNI_IFNAME: 'eth0',
    CNI_PATH: NOWHERE,
    PATH: NOWHERE,
  };
  try {
    const { stdout, stderr } = await host.exec([program], { timeoutMs: TIMEOUT_MS, signal, input, env });
    const said = sayingOf(stdout, stderr);
    if (REFUSAL.test(said)) {
      return { verified: false, reason: `${program} does not take the files: ${said}`, hint: 'look at what it says' };
    }
    return { verified: true, evidence: [...evidence, `${program} has loaded ${subnet.path}`] };
  } catch (error) {
    if (isRecoveryError(error, 'HOST_UNSUPPORTED')) {
      return { verified: true, evidence, warnings: ['this is a copy of the node: nobody has read the files'] };
    }
    if (!isRecoveryError(error)) throw error;
    return { verified: false, reason: `${program} does not run: ${error.message}`, hint: error.hint };
  } finally {
    // The plugin remembers there what it was asked for, before it hands the work on.
    await host.remove(hostPath(joinPath(folder, CONTAINER)));
  }
}

/** The first plugin's part of a configuration, as a container runtime would send it. */
function requestOf(text: string, dataDir: string): string {
  const whole: unknown = JSON.parse(text);
  const plugin = isObject(whole) && Object.hasOwn(whole, 'plugins') ? listAt(whole, 'plugins')[0] : whole;
  const name = textAt(whole, 'name') ?? 'cbr0';
  const cniVersion = textAt(whole, 'cniVersion') ?? '0.2.0';
  return JSON.stringify({ ...(isObject(plugin) ? plugin : {}), name, cniVersion, dataDir });
}

/** A plugin says what went wrong in JSON on its standard output. */
function sayingOf(stdout: string, stderr: string): string {
  try {
    const said: unknown = JSON.parse(stdout);
    return [textAt(said, 'msg'), textAt(said, 'details')].filter((each) => each !== undefined).join(': ');
  } catch {
    return `${stdout} ${stderr}`.trim();
  }
}
