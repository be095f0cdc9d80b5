import type { Cluster } from '@kube-rescue/lab';

/** The command line of the operator on the first control plane, without the flags of the drill. */
export function overSshFlags({ controlPlanes, ssh }: Cluster): readonly string[] {
  if (ssh === undefined) throw new Error('the cluster has no SSH between its nodes');
  const { user, port, identity, knownHosts, serviceCommand } = ssh;
  return [
    ...['--nodes', controlPlanes.map(({ node }) => node.name).join(',')],
    ...['--ssh-user', user, '--ssh-port', String(port)],
    ...['--ssh-identity', identity, '--ssh-known-hosts', knownHosts],
    ...['--ssh-service-command', serviceCommand],
  ];
}
