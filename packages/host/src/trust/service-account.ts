import type { HostFiles } from '../host.ts';
import { hostPath } from '../host-path.ts';

const PASSWD = hostPath('/etc/passwd');

/**
 * The accounts that own configuration of a node by an installer's decision: kubespray gives `/etc/kubernetes`, `/etc/cni` and
 * `/opt/cni` to `kube` and `/etc/ssl/etcd` to `etcd` (roles/kubernetes/preinstall, roles/etcd). See ADR 14.
 */
const SERVICE_ACCOUNTS: readonly string[] = ['etcd', 'kube'];
/** Accounts of the system have lower IDs, `nobody` and users higher ones: login.defs(5), SYS_UID_MAX. */
const MAX_SYSTEM_UID = 999;
const NO_LOGIN = /\/(?:nologin|false)$/;

/**
 * The service accounts of Kubernetes on a machine, by user ID: those that no user can log in to.
 *
 * Reads `/etc/passwd` only, so an account of a directory service is not among them.
 */
export async function readServiceAccounts(host: Pick<HostFiles, 'readFile'>): Promise<ReadonlyMap<number, string>> {
  const bytes = await host.readFile(PASSWD);
  const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [name = '', , id = '', , , , shell = ''] = line.split(':');
      const uid = /^\d+$/.test(id) ? Number(id) : 0;
      const isService = SERVICE_ACCOUNTS.includes(name) && uid > 0 && uid <= MAX_SYSTEM_UID && NO_LOGIN.test(shell);
      return isService ? [[uid, name] as const] : [];
    }),
  );
}
