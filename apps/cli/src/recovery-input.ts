import type { EtcdSearch, ObjectsVia } from '@kube-rescue/node';
import type { Playbook } from '@kube-rescue/workflow';
import { Flags } from '@oclif/core';
import { VIA } from './etcd/etcd-flags.ts';
import { type SshFlags, sshFlags, toAccess } from './nodes/ssh-flags.ts';
import { type RenewalValues, toRenewal } from './renewal-input.ts';
import { type Session } from './wiring.ts';

/** Flags that say what a recovery works with. */
export const recoveryFlags = {
  certs: Flags.string({
    description: 'install the certificates in this folder, which somebody else has made, instead of renewing',
    helpValue: 'DIR',
    exclusive: ['new-keys'],
  }),
  via: Flags.option({
    options: VIA,
    description:
      'self-hosted: change objects in etcd, while nothing can race it, or through the API server in the moments in which it answers',
    default: VIA[0],
  })(),
  join: Flags.string({
    description: 'self-hosted: bring this worker back over SSH, [USER@]HOST (more than once: all of them)',
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
  readonly via: ObjectsVia;
}

/** Where etcd is looked for beside the places that a node has: a set of certificates may hold what opens it. */
export function searchOf({ certs }: Pick<RecoveryValues, 'certs'>, { localFiles }: Session): EtcdSearch {
  return certs === undefined ? {} : { rotatedSet: localFiles.path(certs) };
}

/** The playbook that brings the node of a session back, by its layout. */
export async function openRecoveryPlaybook(flags: RecoveryValues, session: Session): Promise<Playbook> {
  const { localFiles, node } = session;
  const { createNodePlaybook } = await import('@kube-rescue/recovery');
  const adopt = flags.certs === undefined ? undefined : { path: localFiles.path(flags.certs), files: localFiles.host };
  const workers = (flags.join ?? []).map((host) => ({
    access: toAccess(host, flags, session),
    kubeletService: node.options.kubeletService,
  }));
  const options = { workers, ...toRenewal(flags), adopt, via: flags.via, search: searchOf(flags, session) };
  const { open: openNode } = await session.openNodes();
  return createNodePlaybook(node, options, { openNode, runs: await session.openRuns() });
}
