import { type Answer, NodeCommand } from '../../base-command.ts';
import { EXIT } from '../../exit-codes.ts';
import { renderManifests } from '../../render/manifests.ts';
import { recovery } from '../../wiring.ts';

export default class ManifestsList extends NodeCommand {
  static override summary = 'List the static pods of this node.';
  static override description =
    'Reads the manifests that the kubelet runs, and the processes that belong to them. Changes nothing.';
  static override examples = ['<%= config.bin %> manifests list'];

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(ManifestsList);
    const { node, deps } = await this.openSession(flags);
    const { listStaticPods } = await recovery();
    const manifests = await listStaticPods(node, deps);
    return { result: { manifests }, exitCode: EXIT.done, text: (terminal) => renderManifests(manifests, terminal) };
  }
}
