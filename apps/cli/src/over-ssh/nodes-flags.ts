import { Flags } from '@oclif/core';
import { hostPath } from '@kube-rescue/host';
import type { SshFlags } from '../nodes/ssh-flags.ts';
import { usageError } from '../envelope.ts';
import { type Session, stateDirectory } from '../wiring.ts';
import type { RecoverNodesInput } from './nodes-recovery.ts';

const GROUP = 'SSH';
/** What concerns one node alone, or files of this machine that no node has. */
const OF_ONE_NODE = ['plan', 'certs', 'join', 'root', 'backup-identity', 'aws-credentials'] as const;

/** Several control-plane nodes, recovered from this machine. */
export const severalNodesFlags = {
  nodes: Flags.string({
    description: 'recover these control-plane nodes over SSH, each by this program: [USER@]HOST,...',
    helpValue: 'HOSTS',
    helpGroup: GROUP,
    exclusive: ['nodes-file'],
  }),
  'nodes-file': Flags.string({
    description: 'the same, by a YAML list of name, address, user, port, identityFile, knownHostsFile, jump, sudo',
    helpValue: 'FILE',
    helpGroup: GROUP,
  }),
  without: Flags.string({
    description: 'leave out this member of etcd, which is gone for good (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'MEMBER',
    helpGroup: GROUP,
  }),
  program: Flags.string({
    description: 'the one file to carry to the nodes; default: this program, where it is the one file',
    helpValue: 'FILE',
    helpGroup: GROUP,
  }),
  'ssh-jump': Flags.string({
    description: 'jump host, with the same key: [USER@]HOST[:PORT]',
    helpValue: 'HOST',
    helpGroup: 'SSH',
  }),
};

/** The values of {@link severalNodesFlags} and of what is passed on to the nodes. */
export interface SeveralNodesValues extends SshFlags {
  readonly nodes: string | undefined;
  readonly 'nodes-file': string | undefined;
  readonly without: readonly string[] | undefined;
  readonly program: string | undefined;
  readonly 'ssh-jump': string | undefined;
  readonly 'dry-run': boolean;
  readonly yes: boolean;
  readonly resume: boolean;
  readonly 'kubernetes-dir': string;
  readonly 'manifests-dir': string | undefined;
  readonly 'service-command': string | undefined;
  readonly 'kubelet-service': string;
  readonly 'new-keys': boolean;
  readonly days: number | undefined;
  readonly 'renew-within': number | undefined;
  readonly 'clock-is-right': boolean;
  readonly only: readonly string[] | undefined;
  readonly skip: readonly string[] | undefined;
  readonly 'backup-recipient': readonly string[] | undefined;
  readonly 'members-timeout': number | undefined;
  readonly cas: string | undefined;
}

/** Whether several nodes are named. @throws CliError `USAGE` for a flag that needs them, or that concerns one node alone */
export function namesSeveral(
  flags: Pick<SeveralNodesValues, 'nodes' | 'nodes-file' | 'without' | 'program' | 'ssh-jump'>,
): boolean {
  const given = flags as Readonly<Record<string, unknown>>;
  const isGiven = (name: string): boolean => given[name] !== undefined && given[name] !== false;
  const several = isGiven('nodes') || isGiven('nodes-file');
  const wrong = several ? OF_ONE_NODE.find(isGiven) : ['without', 'program', 'ssh-jump'].find(isGiven);
  if (wrong === undefined) return several;
  throw usageError(
    several ? `--${wrong} concerns one node, and --nodes several` : `--${wrong} needs --nodes or --nodes-file`,
    `--${wrong}`,
    several ? `run recover with --${wrong} on that node` : 'name the nodes: --nodes cp1,cp2,cp3',
  );
}

/** The flags as the input of a recovery of several nodes. @throws CliError `NODES_INVALID` */
export async function toNodesInput(flags: SeveralNodesValues, session: Session): Promise<RecoverNodesInput> {
  const { localFiles } = session;
  // Not with the flags: it loads a parser, which every command that shows them would wait for.
  const { readNodeList } = await import('./node-list.ts');
  return {
    nodes: await readNodeList(flags, localFiles),
    program: flags.program,
    without: flags.without ?? [],
    cas: flags.cas === undefined ? undefined : localFiles.path(flags.cas),
    renewWithin: flags['renew-within'],
    nodeFlags: [
      ...valueOf('kubernetes-dir', flags['kubernetes-dir']),
      ...valueOf('manifests-dir', flags['manifests-dir']),
      ...valueOf('service-command', flags['ssh-service-command'] ?? flags['service-command']),
      ...valueOf('kubelet-service', flags['kubelet-service']),
    ],
    recoverFlags: [
      ...(flags['new-keys'] ? ['--new-keys'] : []),
      ...(flags['clock-is-right'] ? ['--clock-is-right'] : []),
      ...valueOf('days', flags.days),
      ...valueOf('renew-within', flags['renew-within']),
      ...valueOf('members-timeout', flags['members-timeout']),
      ...(flags.only ?? []).flatMap((step) => valueOf('only', step)),
      ...(flags.skip ?? []).flatMap((step) => valueOf('skip', step)),
      ...(flags['backup-recipient'] ?? []).flatMap((recipient) => valueOf('backup-recipient', recipient)),
    ],
    kubernetesDirectory: hostPath(flags['kubernetes-dir']),
    recordDirectory: hostPath(`${stateDirectory(localFiles.host)}/nodes`),
    dryRun: flags['dry-run'],
    yes: flags.yes,
    resume: flags.resume,
  };
}

function valueOf(name: string, value: string | number | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name}`, String(value)];
}
