import type { Plan } from '@kube-rescue/workflow';
import { CliError } from './errors.ts';
import { count } from './render/text.ts';

/** Flags that describe renewed certificates. */
interface RenewalDemand {
  readonly 'new-keys': boolean;
  readonly days: number | undefined;
}

/** The step of a certificate, with its id. */
const RENEWAL = /^(?:pki|kubeconfig|kubelet)\/renew\/(.+)$/;

/** How many certificates a warning names. */
const MOST_NAMED = 3;

/**
 * Refuses a plan that renews nothing although flags say how: an operator whose key leaked must not believe that it was replaced.
 *
 * Warns of valid certificates that the flags do not reach. In a self-hosted cluster, whose certificates are in Secrets, only a plan
 * without any work is refused.
 * @throws CliError `RENEWAL_NOT_DUE`
 */
export function assertRenewalDue(demand: RenewalDemand, plan: Plan, warn: (text: string) => void): void {
  const flag = demand['new-keys'] ? '--new-keys' : demand.days === undefined ? undefined : '--days';
  if (flag === undefined) return;
  const renewals = plan.entries.filter(({ step, skipped }) => RENEWAL.test(step) && !skipped);
  const decisive = renewals.length === 0 ? plan.entries.filter(({ skipped }) => !skipped) : renewals;
  const left = renewals.filter(({ finding, changes }) => finding.status === 'ok' && changes.length === 0);
  const value = demand.days === undefined || flag === '--new-keys' ? flag : `${flag} ${demand.days}`;
  if (decisive.every(({ finding }) => finding.status === 'ok')) {
    throw new CliError({
      code: 'RENEWAL_NOT_DUE',
      message: `no certificate needs renewal, so ${flag} would do nothing; nothing was changed`,
      subject: flag,
      hint: `renew every certificate: \`kube-rescue certs renew --all ${value}\`; or name some: \`kube-rescue certs renew apiserver ${value}\``,
    });
  }
  if (left.length === 0) return;
  const ids = left.map(({ step }) => RENEWAL.exec(step)?.[1] ?? step);
  const more = ids.length - MOST_NAMED;
  const names = `${ids.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const verb = ids.length === 1 ? 'is' : 'are';
  warn(`${flag} does not apply to ${count(ids.length, 'certificate')} that ${verb} not renewed: ${names}`);
}
