import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { chooseVia } from '../../objects-via.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { EXIT } from '../../exit-codes.ts';
import { clusterDomainFlag, openPods, systemNamespaceFlag } from '../../pods/pod-input.ts';
import { renderPods } from '../../render/pods.ts';
import { podBootstrap } from '../../wiring.ts';
import type { Results } from '../../results.ts';

const STALE = 'read from etcd: while the API server is down, pods show the last status that their kubelets reported';

export default class PodsList extends NodeCommand {
  static override summary = 'List the control-plane pods of the cluster and the reasons for failures.';
  static override description =
    'Covers kube-controller-manager, kube-proxy, cluster DNS and kube-scheduler: controller, node, state, rescue pods. Exits 3 when one of the four has no working pod. Changes nothing.';
  static override examples = ['<%= config.bin %> pods list', '<%= config.bin %> pods list --via etcd'];
  static override flags = {
    namespace: systemNamespaceFlag,
    'cluster-domain': clusterDomainFlag,
    via: Flags.option({
      options: VIA,
      description: 'read objects from etcd, or through the API server; default: the API server while it answers',
    })(),
    ...etcdFlags,
  };

  protected override async answer(): Promise<Answer<Results['pods list']>> {
    const { flags } = await this.parse(PodsList);
    const session = await this.openSession(flags);
    const { createNodeLogs, listControlPlanePods } = await podBootstrap();
    const search = toSearch(flags, session);
    const via = flags.via ?? (await chooseVia(session));
    const { access, host, clock } = await openPods({ via, search }, session);
    const { signal } = session.interruption;
    const input = { namespace: flags.namespace, clusterDomain: flags['cluster-domain'] };
    const deps = { store: await access.open(signal), host, clock, readLog: createNodeLogs({ host }) };
    const listing = await listControlPlanePods(input, deps, signal);
    if (via === 'etcd') session.reporter.warn(STALE);
    return {
      result: listing,
      exitCode: listing.missing.length === 0 ? EXIT.done : EXIT.problems,
      text: (terminal) => renderPods(listing, terminal),
    };
  }
}
