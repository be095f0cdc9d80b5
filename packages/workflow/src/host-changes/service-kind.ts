import type { Host } from '@kube-rescue/host';
import type { ChangeKind } from '../change.ts';
import type { ServiceRestart } from '../file-change.ts';

/**
 * `service.restart`: makes a service read its files again. Undone after all files are back: a service that ran is
 * restarted on them, one that did not is stopped.
 */
export function serviceRestartKind(host: Pick<Host, 'services'>): ChangeKind<ServiceRestart> {
  return {
    kind: 'service.restart',
    undoOrder: 'last',
    describe: (change) => `restart the service ${change.target}`,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async (change) => ({ was: await host.services.status(change.target) }),
    apply: (change) => host.services.act('restart', change.target),
    undo: async (change, captured) => {
      const was = (captured as { readonly was: string }).was;
      const action = was === 'running' ? 'restart' : 'stop';
      await host.services.act(action, change.target);
      return { state: 'undone' };
    },
  };
}
