import type { Host } from '@kube-rescue/host';
import type { ChangeKind } from '../plan/change.ts';
import type { ServiceRestart } from '../plan/file-change-types.ts';

/**
 * `service.restart`: makes a service read its files again. Undone after all files are restored: a service that was stopped is
 * stopped again, any other is restarted, including one in a restart loop or of unknown status.
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
      const action = was === 'stopped' ? 'stop' : 'restart';
      await host.services.act(action, change.target);
      return { state: 'undone' };
    },
  };
}
