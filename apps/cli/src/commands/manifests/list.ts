import { type Answer, NodeCommand } from '../../base-command.ts';
import { EXIT } from '../../exit-codes.ts';
import { renderCheckpoints } from '../../render/checkpoints.ts';
import { renderManifests } from '../../render/manifests.ts';
import type { Results } from '../../results.ts';

export default class ManifestsList extends NodeCommand {
  static override summary = 'List the static pods and checkpointed pods of this node.';
  static override description =
    'Reads the static pod manifests of the kubelet and their processes. For checkpointed pods it lists cached Secrets and, when the objects of the cluster are readable, stale files. Changes nothing.';
  static override examples = ['<%= config.bin %> manifests list'];

  protected override async answer(): Promise<Answer<Results['manifests list']>> {
    const { flags } = await this.parse(ManifestsList);
    const session = await this.openSession(flags);
    const { node, interruption } = session;
    const { listCheckpoints, listStaticPods } = await import('@kube-rescue/diagnosis');
    const manifests = await listStaticPods(node);
    const objects = node.objects.access({ via: 'etcd', search: {} });
    const listing = await listCheckpoints(node, objects, interruption.signal);
    return {
      result: { manifests, ...listing },
      exitCode: EXIT.done,
      text: (terminal) => [renderManifests(manifests, terminal), ...renderCheckpoints(listing, terminal)].join('\n\n'),
    };
  }
}
