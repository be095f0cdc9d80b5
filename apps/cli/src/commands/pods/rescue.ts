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
  static override summary =
    'Run one pod of a Deployment, DaemonSet or StatefulSet on a node while nothing schedules it.';
  static override description =
    'Cuts the pod out of the template, binds it to the node, and waits until it does its work: a scheduler or controller manager leads, DNS answers, anything else is Ready. Does nothing where a pod of the controller is at work. Says why when it does not work: its events, the states of its containers, its log. Needs an API server that answers. Journalled: rollback RUN removes the pod; pods release does so once the real ones run.';
  static override examples = [
    '<%= config.bin %> pods rescue deployment/kube-scheduler --node node01 --dry-run',
    '<%= config.bin %> pods rescue deployment/kube-controller-manager --node node01 --yes',
  ];
  static override args = { controller: controllerArg };
  static override flags = {
    ...writeFlags,
    node: Flags.string({
      description: 'the node that runs it, as it is registered',
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
