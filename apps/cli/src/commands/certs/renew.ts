import type { Plan } from '@kube-rescue/workflow';
import { Args, Flags } from '@oclif/core';
import { afterRenewal } from '../../after-run.ts';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { assertClockOf } from '../../clock-check.ts';
import { usageError } from '../../envelope.ts';
import { clockFlag, keyAlgorithmFlag, renewalFlags, selectionFlags, writeFlags } from '../../flags.ts';
import { warnOfOutdatedCopies } from '../../outdated-copies.ts';
import { answerPlaybook } from '../../playbook-run.ts';
import { warnOfRequestedServing } from '../../requested-serving.ts';
import { assertRenewalDue } from '../../renewal-demand.ts';
import { toRenewal } from '../../renewal-input.ts';

export default class CertsRenew extends NodeCommand {
  static override summary = 'Renew certificates of this node, each signed by its own CA.';
  static override description =
    'Keeps key, subject, SANs, usages and lifetime of every certificate. Restarts nothing; recover --certs does.';
  static override examples = [
    '<%= config.bin %> certs renew --dry-run',
    '<%= config.bin %> certs renew apiserver etcd/server',
    '<%= config.bin %> certs renew --all --new-keys --key-algorithm ecdsa-p256',
    '<%= config.bin %> certs renew apiserver --add-san api.example.com --add-san 10.0.0.1',
  ];
  static override args = {
    id: Args.string({
      description:
        'certificate to renew, also a valid one, by its ID in `certs check`; default: every certificate that needs renewal',
      multiple: true,
    }),
  };
  static override flags = {
    ...renewalFlags,
    ...clockFlag,
    ...selectionFlags,
    ...writeFlags,
    all: Flags.boolean({ description: 'renew every certificate, also valid ones' }),
    'add-san': Flags.string({
      description: 'DNS name or IP address to add to the one certificate given by ID (repeatable)',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME',
    }),
    'key-algorithm': keyAlgorithmFlag,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsRenew);
    // As kubeadm says it.
    const isAll = flags.all || (args.id?.length === 1 && args.id[0] === 'all');
    const only = isAll ? [] : (args.id ?? []).map(toOwnId);
    const addNames = flags['add-san'] ?? [];
    if (addNames.length > 0 && only.length !== 1) throw notOneCertificate(only);
    const session = await this.openSession(flags);
    await assertClockOf(flags, { dryRun: flags['dry-run'] }, session);
    const keyAlgorithm = flags['key-algorithm'];
    const options = { ...toRenewal(flags, isAll), keyAlgorithm, addNames, only };
    const playbook = async () => (await import('@kube-rescue/recovery')).createRenewalPlaybook(session.node, options);
    const accept = (plan: Plan): void => assertRenewalDue(flags, plan, session.reporter.warn);
    const after = afterRenewal(session);
    const input = { after, playbook, selection: flags, dryRun: flags['dry-run'], yes: flags.yes, accept };
    const answer = await answerPlaybook(input, session);
    await warnOfOutdatedCopies(session);
    await warnOfRequestedServing(session);
    return answer;
  }
}

/** kubeadm writes `etcd-server` where `certs check` shows `etcd/server`. */
function toOwnId(id: string): string {
  return id.replace(/^etcd-(?=server$|peer$|healthcheck-client$)/, 'etcd/');
}

function notOneCertificate(ids: readonly string[]): Error {
  const subject = ids.length === 0 ? '--add-san' : ids.join(', ');
  return usageError(
    '--add-san needs exactly one certificate',
    subject,
    'give one certificate ID: certs renew apiserver --add-san NAME',
  );
}
