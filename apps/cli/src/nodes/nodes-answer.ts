import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Host } from '@kube-rescue/host';
import type { Answer } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderNodes } from '../render/nodes.ts';
import type { Session } from '../wiring.ts';
import { type SshFlags, toAccess } from './ssh-flags.ts';

/** Inspects every node; exit 3 when one has a problem. */
export async function answerNodes(
  { access, ssh }: { readonly access: ObjectAccess; readonly ssh: SshFlags | undefined },
  session: Session,
): Promise<Answer> {
  const { inspectNodes } = await import('@kube-rescue/node-join');
  const { host, clock, interruption } = session;
  const { signal } = interruption;
  const store = await access.open(signal);
  const openHost = async (name: string): Promise<Pick<Host, 'readFile'> | undefined> => {
    if (name === host.name.toLowerCase() || name.split('.')[0] === host.name.toLowerCase()) return host;
    return ssh === undefined ? undefined : (await session.openNodes()).open(toAccess(name, ssh, session));
  };
  const { describeUnreadable } = await import('@kube-rescue/cluster-objects');
  const unreadable: string[] = [];
  const onUnreadable = (failure: Error): void => void unreadable.push(describeUnreadable(failure));
  const nodes = await inspectNodes({ openHost, signal, onUnreadable }, { store, clock });
  const isGood = unreadable.length === 0 && nodes.every(({ problems }) => problems.length === 0);
  return {
    result: { nodes, unreadable },
    exitCode: isGood ? EXIT.done : EXIT.problems,
    text: (terminal) => [renderNodes(nodes, terminal), ...unreadable].join('\n'),
  };
}
