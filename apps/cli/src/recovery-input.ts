import type { EtcdSearch, ObjectsVia } from '@kube-rescue/recovery';
import type { Playbook } from '@kube-rescue/workflow';
import { Flags } from '@oclif/core';
import { VIA } from './etcd/etcd-flags.ts';
import { type RenewalValues, toRenewal } from './renewal-input.ts';
import { recovery, type Session } from './wiring.ts';

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
};

/** The values of {@link recoveryFlags}. */
export interface RecoveryValues extends RenewalValues {
  readonly certs: string | undefined;
  readonly via: ObjectsVia;
}

/** Where etcd is looked for beside the places that a node has: a set of certificates may hold what opens it. */
export function searchOf({ certs }: Pick<RecoveryValues, 'certs'>, { desk }: Session): EtcdSearch {
  return certs === undefined ? {} : { rotatedSet: desk.path(certs) };
}

/** The playbook that brings the node of a session back, by its layout. */
export async function openRecoveryPlaybook(flags: RecoveryValues, session: Session): Promise<Playbook> {
  const { desk, node, deps } = session;
  const { createNodePlaybook } = await recovery();
  const adopt = flags.certs === undefined ? undefined : { path: desk.path(flags.certs), files: desk.host };
  const options = { ...node, ...toRenewal(flags), adopt, via: flags.via, search: searchOf(flags, session) };
  const { open: openNode } = await session.openNodes();
  return createNodePlaybook(options, {
    ...{ ...deps, openNode, objects: await session.openObjects(), runs: await session.openRuns() },
  });
}
