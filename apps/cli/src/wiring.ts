import {
  assertTrusted,
  type AttributeLoss,
  type Clock,
  copyOnly,
  createLocalHost,
  guardHost,
  type Host,
  type HostPath,
  hostPath,
  measureSilence,
  systemClock,
} from '@kube-rescue/host';
import type { Node } from '@kube-rescue/node';
import type { OpenObjects } from '@kube-rescue/cluster-objects';
import type { NodeSession } from '@kube-rescue/node-join';
import type { RunDirectory, RunOrigin, RunStore, WorkflowDeps, WorkflowListener } from '@kube-rescue/workflow';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { type BackupFlags, openSeals } from './backup/age-seal.ts';
import { type Call, type TypedWord, typedWords } from './call.ts';
import { openCopy, refuseLiveFlags } from './copied-node.ts';
import { CliError } from './errors.ts';
import { type Interruption, listenForInterruption } from './interruption.ts';
import type { LocalFiles } from './local-files.ts';
import { createWriteRecord, recordWrites, type WriteRecord } from './recorded-writes.ts';
import { refusesColour } from './output-format.ts';
import { createReporter, type Reporter } from './reporter.ts';
import { describeTerminal, type Terminal } from './terminal.ts';

/** Flags that select the machine, its directories and its service manager. */
export interface NodeFlags extends BackupFlags {
  readonly root: string | undefined;
  readonly 'kubernetes-dir': string;
  readonly 'manifests-dir': string | undefined;
  readonly 'service-command': string | undefined;
  readonly 'kubelet-service': string;
}

/** The process's own streams. */
export interface Streams {
  readonly stdout: Terminal;
  readonly reporter: Reporter;
}

/** A command line after parsing. */
export interface Invocation {
  /** The words of the command. */
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
  readonly args: Readonly<Record<string, unknown>>;
  /** The flags and arguments as they were typed. */
  readonly typed: readonly TypedWord[];
  /** A secret was typed, which no output may quote. */
  readonly hasSecrets: boolean;
  /** Version of this program. */
  readonly version: string;
}

/** The dependencies of a command. */
export interface Session extends Streams {
  /** The machine; `node` notices changes made through it. */
  readonly host: Host;
  readonly clock: Clock;
  /** The machine as a node, opened once per command. */
  readonly node: Node;
  readonly interruption: Interruption;
  /** Seconds so far in which servers that were asked did not answer until the time-out. */
  silentSeconds(): number;
  /** `ETCDCTL_*` of the environment, as etcdctl itself would use them. */
  readonly etcdctlEnvironment: Readonly<Record<string, string | undefined>>;
  /** Loads the workflow engine: the runs of this host, and their change kinds. */
  openWorkflow(onEvent: WorkflowListener): Promise<WorkflowDeps>;
  openRuns(): Promise<RunStore>;
  /** How this command was started, for the journal of its run. */
  describeOrigin(): Promise<RunOrigin>;
  /** Other machines of the cluster, over SSH; each is connected to once. */
  openNodes(): Promise<NodeSession>;
  /** Closes all connections. */
  close(): Promise<void>;
  /** The words of this command: `certs renew`. */
  readonly command: string;
  /** `--verbose` or `-o wide` was given. */
  readonly verbose: boolean;
  /** A command with the flags and arguments of this call: `recover --days 90`. `undefined` when a secret is among them. */
  typed(words: string): string | undefined;
  readonly localFiles: LocalFiles;
  /** Everything written: no failure may claim that nothing was changed. */
  readonly writes: WriteRecord;
}

/**
 * Only this module reads the environment of the process.
 * @param call how the program was called. Default: not known
 */
export function openStreams(argv: readonly string[], call?: Call): Streams {
  const env = refusesColour(argv) ? { ...process.env, NO_COLOR: '1' } : process.env;
  return {
    stdout: { ...describeTerminal(process.stdout, env), call },
    reporter: createReporter(process.stderr, { ...describeTerminal(process.stderr, env), call }),
  };
}

/** They change what is printed or asked, not what is done. */
const SHOWN_ONLY = ['json', 'output', 'no-color', 'output-file', 'out', 'verbose', 'yes', 'dry-run'];

const ETCDCTL_PATH = /^ETCDCTL_(?:CACERT|CERT|KEY|CA_FILE|CERT_FILE|KEY_FILE)$/;

/** `ETCDCTL_*`, with its paths relative to the working directory, as etcdctl takes them. */
function etcdctlEnvironment(): Session['etcdctlEnvironment'] {
  const variables = Object.entries(process.env).filter(([name]) => name.startsWith('ETCDCTL_'));
  return Object.fromEntries(
    variables.map(([name, value = '']) => [name, ETCDCTL_PATH.test(name) && value !== '' ? resolve(value) : value]),
  );
}

/** Whether a command reads the etcd that its flags or the variables of etcdctl name. A restore is of this node. */
function namesEtcd({ words: [topic, verb], flags }: Invocation): boolean {
  const { ETCDCTL_ENDPOINTS: endpoints, ETCDCTL_ENDPOINT: former } = process.env;
  return topic === 'etcd' && verb !== 'restore' && [flags['endpoint'], endpoints, former].some((each) => Boolean(each));
}

/** Wires a command to the machine of its flags. */
export async function openSession(flags: NodeFlags, streams: Streams, invocation: Invocation): Promise<Session> {
  const writes = createWriteRecord();
  const manifests = flags['manifests-dir'];
  // In a copy the directories are those of the node.
  const onNode = (text: string): HostPath => hostPath(flags.root === undefined ? resolve(text) : text);
  const options = {
    kubernetesDirectory: onNode(flags['kubernetes-dir']),
    manifestsDirectory: manifests === undefined ? undefined : onNode(manifests),
    kubeletService: flags['kubelet-service'],
    mayBeNoNode: namesEtcd(invocation),
  };
  const warn = warnOnce(streams.reporter);
  const onAttributesLost = ({ machine, path, reason }: AttributeLoss): void =>
    warn(
      `${machine === undefined ? '' : `${machine}: `}${path}: replaced, but its access list, extended attributes and SELinux label, if it had any, may be lost (${reason}); check with getfacl and ls -Z`,
    );
  const journalHost = createLocalHost({ filesOnly: flags.root !== undefined, onAttributesLost });
  const localFiles = {
    host: recordWrites(journalHost, writes),
    journalHost,
    path: (text: string): HostPath => hostPath(resolve(text)),
  };
  const root = flags.root === undefined ? undefined : await openCopy(flags.root, localFiles);
  if (root !== undefined) refuseLiveFlags(flags, root);
  const command = flags['service-command'];
  const serviceCommand = command === undefined ? undefined : localFiles.path(command);
  // Root runs it, so it is held to the same as what the node's files name.
  if (serviceCommand !== undefined && journalHost.userId() === 0) {
    await assertTrusted(serviceCommand, { host: journalHost }, { allowSticky: true });
  }
  // The journal of a run records its own writes.
  const { host: unguarded, seconds: silentSeconds } = measureSilence(
    createLocalHost({ root, serviceCommand, onAttributesLost }),
    systemClock,
  );
  const machine = guardHost(unguarded);
  const seals = await openSeals(flags, localFiles);
  const { openNode } = await import('@kube-rescue/node');
  const node = openNode(options, {
    host: recordWrites(unguarded, writes),
    clock: systemClock,
    sealSnapshot: seals.snapshot,
    onServiceAccount: ({ name, path }) =>
      warn(`the service account ${name} owns files of Kubernetes, ${path} among them, and is trusted as root is`),
    onNotBelieved: warn,
  });
  const { machine: host, clock } = node;
  const openRuns = async (): Promise<RunStore> => {
    const { openRunStore, RUNS_DIRECTORY } = await import('@kube-rescue/workflow');
    return openRunStore(machine, RUNS_DIRECTORY, seals.backup);
  };
  let nodes: Promise<NodeSession> | undefined;
  const openNodes = async (): Promise<NodeSession> => {
    if (root !== undefined) return refuseNodes(root);
    nodes ??= import('@kube-rescue/node-join').then(({ createNodeSession }) => createNodeSession({ onAttributesLost }));
    return nodes;
  };
  return {
    ...streams,
    host,
    clock,
    silentSeconds,
    writes,
    localFiles,
    node,
    etcdctlEnvironment: etcdctlEnvironment(),
    interruption: listenForInterruption(streams.reporter),
    openRuns,
    describeOrigin: async () => (await import('./resume/run-origin.ts')).describeOrigin(invocation, localFiles),
    openNodes,
    command: invocation.words.join(' '),
    verbose: invocation.flags['verbose'] === true || invocation.flags['output'] === 'wide',
    typed: (words) => (invocation.hasSecrets ? undefined : `${words}${typedWords(invocation.typed, SHOWN_ONLY)}`),
    close: async () => {
      await Promise.all([node.close(), nodes?.then((session) => session.close())]);
    },
    openWorkflow: async (onEvent) => {
      const { createChangeRegistry, hostChangeKinds } = await import('@kube-rescue/workflow');
      const { createObjectChangeKinds } = await import('@kube-rescue/cluster-objects');
      const { createFreezeChangeKinds, createRestartKinds } = await import('@kube-rescue/static-manifests');
      const { createLeaseReleaseKind, createPodRestartKind } = await podBootstrap();
      const { createPublicationKind } = await import('@kube-rescue/cert-rotation/rotation');
      const { createDataRestoreKind } = await import('@kube-rescue/etcd-access/restore');
      const { createMemberChangeKinds } = await import('@kube-rescue/etcd-access/membership');
      const { openMembers } = await import('@kube-rescue/node');
      const { createNodeChangeKinds } = await import('@kube-rescue/node-join');
      const open: OpenObjects = async (source) => node.objects.open(source);
      const kinds = createChangeRegistry([
        ...hostChangeKinds(machine),
        ...createObjectChangeKinds(open, { clock }),
        ...createFreezeChangeKinds({ host, clock }),
        ...createRestartKinds({ host: machine, clock }),
        createPodRestartKind(open),
        createLeaseReleaseKind(open),
        createPublicationKind(open, { clock }),
        createDataRestoreKind({ host, clock }),
        ...createMemberChangeKinds({ open: (search) => openMembers(node, search), clock }),
        ...createNodeChangeKinds(async (access) => (await openNodes()).open(access)),
      ]);
      const follow: WorkflowListener = (event) => {
        if (event.type === 'run-started') writes.add(`run ${event.runId}`);
        onEvent(event);
      };
      const needsForce = async (run: RunDirectory): Promise<boolean> => {
        const { judgeRollback } = await import('@kube-rescue/diagnosis');
        return (await judgeRollback(run, node)).length > 0;
      };
      return { host: machine, clock, kinds, store: await openRuns(), onEvent: follow, needsForce };
    },
  };
}

/**
 * Refuses to write to the live machine without root. A copy of its files needs no root.
 * @throws CliError `NOT_ROOT`
 */
export function assertMayWrite(host: Pick<Host, 'kind' | 'userId'>): void {
  if (host.kind === 'copy' || host.userId() === 0) return;
  throw new CliError({
    code: 'NOT_ROOT',
    message: 'changing this machine requires root; nothing was changed',
    subject: `user ${host.userId()}`,
    hint: "run it with sudo, or use --root on a copy of the node's files",
  });
}

/** A copy of files opens no other machine: the journal of a run in it names the real workers. */
function refuseNodes(copy: HostPath): NodeSession {
  return {
    open: async ({ address }) => {
      throw copyOnly(`SSH to ${address}`, copy);
    },
    close: async () => undefined,
  };
}

/** Prints each warning about the node once. */
function warnOnce({ warn }: Reporter): (text: string) => void {
  const printed = new Set<string>();
  return (text) => {
    if (printed.has(text)) return;
    printed.add(text);
    warn(text);
  };
}

/** Packages are loaded on demand, so that `certs check` starts fast. */

export const podBootstrap = (): Promise<typeof import('@kube-rescue/pod-bootstrap')> =>
  import('@kube-rescue/pod-bootstrap');

export const ingressDns = (): Promise<typeof import('@kube-rescue/ingress-dns')> => import('@kube-rescue/ingress-dns');

/** Where this machine keeps what a command does elsewhere: root's own directory, else `XDG_STATE_HOME`. */
export function stateDirectory({ userId }: Pick<Host, 'userId'>): string {
  if (userId() === 0) return '/var/lib/kube-rescue';
  const { XDG_STATE_HOME: given = '' } = process.env;
  return `${given === '' ? resolve(homedir(), '.local/state') : given}/kube-rescue`;
}

/** Environment of the operator: `AWS_*` and proxy variables. */
export function callerEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}

/** Whether the loss of the operator's SSH session would interrupt this process: neither tmux nor screen holds its terminal. */
export function dependsOnSshSession(env: NodeJS.ProcessEnv = process.env): boolean {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  return isSet('SSH_CONNECTION') && !isSet('TMUX') && !isSet('STY');
}

/** Reads the whole standard input. */
export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
