import type { EtcdSearch, ObjectsVia } from '@kube-rescue/node';
import type { Playbook } from '@kube-rescue/workflow';
import { Flags } from '@oclif/core';
import type { RecoveryDns } from './dns/recovery-dns.ts';
import { VIA } from './etcd/etcd-flags.ts';
import { type SshFlags, sshFlags, toAccess } from './nodes/ssh-flags.ts';
import { type RenewalValues, toRenewal } from './renewal-input.ts';
import { type Session } from './wiring.ts';

const MS_PER_SECOND = 1000;

/** Certificates, object source and workers of a recovery. */
export const recoveryFlags = {
  certs: Flags.string({
    description: 'install this certificate set, do not renew',
    helpValue: 'DIR',
    exclusive: ['new-keys'],
  }),
  cas: Flags.string({
    description: 'install these reissued CAs, issue none; see certs reissue-cas',
    helpValue: 'DIR',
    exclusive: ['certs'],
  }),
  via: Flags.option({
    options: VIA,
    description:
      'self-hosted: where objects are changed; in etcd while every other writer is stopped, or through the API server whenever it answers',
    default: VIA[0],
  })(),
  join: Flags.string({
    description: 'self-hosted: rejoin this worker over SSH, [USER@]HOST (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'HOST',
  }),
  ...sshFlags,
};

/** The values of {@link recoveryFlags}. */
export interface RecoveryValues extends RenewalValues, SshFlags {
  readonly join: readonly string[] | undefined;
  readonly certs: string | undefined;
  readonly cas: string | undefined;
  readonly via: ObjectsVia;
  readonly 'members-timeout'?: number | undefined;
}

/** Where to search for etcd credentials beside the usual paths of a node: a set of certificates may hold them. */
export function searchOf({ certs }: Pick<RecoveryValues, 'certs'>, { localFiles }: Session): EtcdSearch {
  return certs === undefined ? {} : { rotatedSet: localFiles.path(certs) };
}

/**
 * The playbook that recovers the node of a session, by its layout.
 * @param dns ingress DNS as a part of it. Default: it has none
 */
export async function openRecoveryPlaybook(
  flags: RecoveryValues,
  session: Session,
  dns?: Pick<RecoveryDns, 'phases'>,
): Promise<Playbook> {
  const { localFiles, node } = session;
  const { createNodePlaybook } = await import('@kube-rescue/recovery');
  const adopt = flags.certs === undefined ? undefined : { path: localFiles.path(flags.certs), files: localFiles.host };
  const reissuedCas =
    flags.cas === undefined ? undefined : { path: localFiles.path(flags.cas), files: localFiles.host };
  const workers = (flags.join ?? []).map((host) => ({
    access: toAccess(host, flags, session),
    kubeletService: node.options.kubeletService,
  }));
  const timeout = flags['members-timeout'];
  const options = {
    ...{ workers, ...toRenewal(flags), adopt, reissuedCas, via: flags.via, search: searchOf(flags, session) },
    membersTimeoutMs: timeout === undefined ? undefined : timeout * MS_PER_SECOND,
  };
  const { open: openNode } = await session.openNodes();
  return createNodePlaybook(node, options, {
    openNode,
    runs: await session.openRuns(),
    ingressDns: await dns?.phases(flags.via),
    signal: session.interruption.signal,
  });
}
