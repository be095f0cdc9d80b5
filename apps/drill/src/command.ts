import { type Answer, BaseCommand, type ExitCode, seconds, VIA } from 'kube-rescue/command-line';
import { hostPath } from '@kube-rescue/host';
import { Flags } from '@oclif/core';
import { resolve } from 'node:path';
import { answerClean, answerDrill } from './answer.ts';
import { drillExitOf } from './exit-codes.ts';
import {
  assertBreaks,
  assertSeveral,
  DEFAULT_KUBERNETES,
  KUBERNETES,
  kubernetesFor,
  SCENARIOS,
  SELF_HOSTED_KUBERNETES,
} from './scenarios.ts';
import { openDrillSession } from './wiring.ts';

const DRILL_INTERRUPTED = 'interrupted; the lab was removed';
const CLEAN_INTERRUPTED = 'interrupted; run it again to remove the remaining labs';

export class DrillCommand extends BaseCommand {
  static override summary = 'Rehearse a recovery on a real throwaway cluster on this machine.';
  static override description =
    'Starts a cluster in namespaces of its own, breaks it, recovers it with the commands of a real incident, proves both, and removes every trace. Needs Linux and root; installs missing Debian packages.';
  static override examples = [
    '<%= config.bin %>',
    '<%= config.bin %> --algorithm ecdsa --json',
    '<%= config.bin %> --scenario saturday --via api',
    '<%= config.bin %> --clean',
  ];
  static override flags = {
    scenario: Flags.option({ options: SCENARIOS, description: 'what happens to the cluster', default: SCENARIOS[0] })(),
    kubernetes: Flags.option({
      options: KUBERNETES,
      description: `version of Kubernetes [default: ${DEFAULT_KUBERNETES.join(', else ')}; saturday: ${SELF_HOSTED_KUBERNETES}]`,
    })(),
    algorithm: Flags.option({
      options: ['rsa', 'ecdsa'] as const,
      description: 'keys of the cluster',
      default: 'rsa' as const,
    })(),
    'break-only': Flags.boolean({
      description: 'end once it is broken and proven to be down, to recover it by hand; keeps the cluster',
      exclusive: ['clean'],
    }),
    keep: Flags.boolean({ description: 'leave the cluster running; --clean removes it', exclusive: ['clean'] }),
    executable: Flags.string({
      description: 'copy this file of npm run package onto the node, hide Node.js and npm, and recover with the file',
      helpValue: 'FILE',
    }),
    'over-ssh': Flags.boolean({
      description: 'ha-expired, ha-ca-expired: recover every node from the first, over SSH; needs --executable',
      dependsOn: ['executable'],
    }),
    via: Flags.option({
      options: VIA,
      description: 'self-hosted: how the recovery changes objects while the API server is down',
      default: VIA[0],
    })(),
    encrypted: Flags.boolean({ description: 'self-hosted: Secrets are encrypted in etcd (aescbc)' }),
    'pods-alive': Flags.boolean({
      description: 'self-hosted: the node did not restart, and its pods still run with the old CA in memory (no trap)',
    }),
    trap: Flags.boolean({
      description: 'self-hosted: first show that files planted by hand are overwritten',
      default: true,
      allowNo: true,
    }),
    'aws-keys': Flags.boolean({
      description: 'self-hosted: give the recovery new AWS keys; without them the ingress names stay broken',
      default: true,
      allowNo: true,
    }),
    'stable-for': seconds({ description: 'self-hosted: how long to watch the API server afterwards', default: 180 }),
    clean: Flags.boolean({ description: 'remove the clusters of earlier drills and exit' }),
  };

  #interruption: AbortSignal | undefined;

  /** The AbortError of Node.js does not name the state of the lab. */
  protected override explain(error: unknown): unknown {
    const isAbort = error instanceof Error && error.name === 'AbortError';
    return isAbort && this.#interruption?.aborted === true ? this.#interruption.reason : error;
  }

  protected override exitCodeOf(error: unknown): ExitCode {
    return drillExitOf(error) ?? super.exitCodeOf(error);
  }

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(DrillCommand);
    const session = openDrillSession(this.streams, flags.clean ? CLEAN_INTERRUPTED : DRILL_INTERRUPTED);
    this.#interruption = session.interruption.signal;
    if (flags.clean) return answerClean(session);
    const algorithm = flags.algorithm === 'rsa' ? 'RSA' : 'ECDSA';
    const { scenario, via, encrypted, trap, 'break-only': breakOnly } = flags;
    const keep = flags.keep || breakOnly;
    assertBreaks(scenario, breakOnly);
    assertSeveral(scenario, flags['over-ssh']);
    const kubernetes = kubernetesFor(scenario, flags.kubernetes);
    const executable = flags.executable === undefined ? undefined : hostPath(resolve(flags.executable));
    const stableMs = flags['stable-for'] * 1000;
    const selfHosted = { via, encrypted, trap, stableMs, awsKeys: flags['aws-keys'], podsRunning: flags['pods-alive'] };
    const overSsh = flags['over-ssh'];
    return answerDrill({ scenario, kubernetes, algorithm, keep, breakOnly, executable, overSsh, selfHosted }, session);
  }
}
