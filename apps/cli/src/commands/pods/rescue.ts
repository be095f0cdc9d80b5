import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
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

export default class PodsRescue extends NodeCommand {
  static override summary = 'Run one pod of a Deployment, DaemonSet or StatefulSet on a node without a scheduler.';
  static override description =
    'Creates the pod from the template, binds it to the node, and waits until it works: a scheduler or controller manager leads, DNS answers, anything else is Ready. Does nothing while a pod of the controller works. Reports events, container states and log of a failed pod. Requires a serving API server. Journalled: rollback RUN removes the pod; pods release removes it once the real pods run.';
  static override examples = [
    '<%= config.bin %> pods rescue deployment/kube-scheduler --node node01 --dry-run',
    '<%= config.bin %> pods rescue deployment/kube-controller-manager --node node01 --yes',
  ];
  static override args = { controller: controllerArg };
  static override flags = {
    ...writeFlags,
    node: Flags.string({
      description: 'name of the Node to run it on',
      required: true,
      helpValue: 'NODE',
    }),
    namespace: systemNamespaceFlag,
    'cluster-domain': clusterDomainFlag,
    wait: waitFlag,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(PodsRescue);
    const controller = await toControllerName(args.controller, flags.namespace);
    const session = await this.openSession(flags);
    const { createRescuePlaybook } = await podBootstrap();
    const deps = await openPods({ via: 'api', search: {} }, session);
    const { node, 'cluster-domain': clusterDomain, wait } = flags;
    const input = { controller, node, clusterDomain, timeoutMs: wait * 1000 };
    const playbook = async () => createRescuePlaybook(input, deps);
    return answerPlaybook({ playbook, selection: {}, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
