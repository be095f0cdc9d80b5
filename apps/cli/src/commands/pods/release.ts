import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { usageError } from '../../envelope.ts';
import { writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';
import {
  clusterDomainFlag,
  controllerArg,
  openPods,
  systemNamespaceFlag,
  toControllerName,
  waitFlag,
} from '../../pods/pod-input.ts';
import { podBootstrap } from '../../wiring.ts';

export default class PodsRelease extends NodeCommand {
  static override summary = 'Remove a rescue pod once the real pods work.';
  static override description =
    'Waits until a pod of the controller is Ready, deletes the rescue pod, and waits until the real pod has taken over: it leads, answers DNS, or is Ready.';
  static override examples = ['<%= config.bin %> pods release deployment/kube-scheduler --yes'];
  static override args = { controller: controllerArg };
  static override flags = {
    ...writeFlags,
    node: Flags.string({ description: 'node of the rescue pod; required for a DaemonSet', helpValue: 'NODE' }),
    namespace: systemNamespaceFlag,
    now: Flags.boolean({ description: 'remove it even when no other pod has taken over' }),
    'cluster-domain': clusterDomainFlag,
    wait: waitFlag,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(PodsRelease);
    const controller = await toControllerName(args.controller, flags.namespace);
    if (controller.kind === 'DaemonSet' && flags.node === undefined) {
      throw usageError('a DaemonSet may have a rescue pod on each node', args.controller, 'name the node: --node NODE');
    }
    const session = await this.openSession(flags);
    const { createReleasePlaybook } = await podBootstrap();
    const deps = await openPods({ via: 'api', search: {} }, session);
    const { node = '', 'cluster-domain': clusterDomain, wait, now } = flags;
    const input = { controller, node, clusterDomain, timeoutMs: wait * 1000, evenIfNeeded: now };
    const playbook = async () => createReleasePlaybook(input, deps);
    return answerPlaybook({ playbook, selection: {}, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
