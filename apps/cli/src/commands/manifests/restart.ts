import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';

export default class ManifestsRestart extends NodeCommand {
  static override summary = 'Restart static pods of this node by changing their manifests.';
  static override description =
    'Adds an annotation to each manifest and waits until the kubelet runs the changed pods and they are healthy. Restarts the kubelet where it would otherwise wait for old pods.';
  static override examples = ['<%= config.bin %> manifests restart kube-apiserver kube-scheduler'];
  static override args = {
    name: Args.string({ description: 'component; manifests list shows them', multiple: true, required: true }),
  };
  static override flags = { ...writeFlags };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(ManifestsRestart);
    const session = await this.openSession(flags);
    const { node } = session;
    const playbook = async () =>
      (await import('@kube-rescue/recovery')).createRestartPlaybook(node, { names: args.name });
    return answerPlaybook({ playbook, selection: {}, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
