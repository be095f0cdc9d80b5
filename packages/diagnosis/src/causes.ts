import { type Cause } from './cause.ts';
import type { CertificateRow } from '@kube-rescue/cert-rotation';
import { isRecoveryError } from '@kube-rescue/errors';
import type { ComponentState } from './component-state.ts';

interface Evidence {
  readonly certificates: readonly CertificateRow[];
  readonly components: readonly ComponentState[];
  readonly etcd: readonly Omit<Cause, 'rank'>[];
  readonly layout: Error | undefined;
  readonly manifests: readonly Error[];
}

/** What stops when a certificate is bad, in the order in which a control plane needs them. */
const CONSEQUENCES: readonly (readonly [id: string, consequence: string])[] = [
  ['ca/cluster', 'nothing that it signed can be renewed'],
  ['ca/etcd', 'nothing that it signed can be renewed'],
  ['ca/etcd-peer', 'nothing that it signed can be renewed'],
  ['ca/front-proxy', 'nothing that it signed can be renewed'],
  ['kubelet-client', 'the kubelet does not start, and with it no static pod'],
  ['etcd/server', 'the API server refuses etcd'],
  ['etcd/peer', 'etcd refuses itself'],
  ['apiserver-etcd-client', 'etcd refuses the API server'],
  ['apiserver', 'every client refuses the API server'],
  ['apiserver-kubelet-client', 'kubelets refuse the API server: no logs, no exec'],
  ['front-proxy-client', 'extension API servers refuse the API server'],
  ['controller-manager.conf', 'the API server refuses the controller manager: nothing is created or replaced'],
  ['scheduler.conf', 'the API server refuses the scheduler: no new pod gets a node'],
  ['etcd/healthcheck-client', 'health checks of etcd fail'],
  ['admin.conf', 'nobody can use kubectl on this node'],
  ['super-admin.conf', 'nobody can use kubectl on this node'],
  ['kubelet-serving', 'clients that verify the kubelet refuse it'],
];
/** What a recovery mends by itself. */
const RENEWABLE: readonly string[] = [
  'PKI_CERTIFICATE_EXPIRED',
  'PKI_CERTIFICATE_NOT_YET_VALID',
  'PKI_CHAIN_BROKEN',
  'PKI_NAME_MISSING',
];
const RECOVER = 'read the plan with `kube-rescue plan`, then `kube-rescue recover`';
const CLOCK = 'PKI_CLOCK_BEFORE_CA';

/** Ranks what is wrong: the clock before all, then what others wait for. Pure. */
export function rankCauses({ certificates, components, etcd, layout, manifests }: Evidence): readonly Cause[] {
  const bad = certificates
    .filter(({ status }) => status === 'problem')
    .toSorted((a, b) => weightOf(a) - weightOf(b))
    .map((row) => causeOf(row));
  const errors = [layout, ...manifests].filter((error) => isRecoveryError(error));
  const structural = [...new Map(errors.map((error) => [error.message, error])).values()].map(
    ({ code, message, subject, hint }) => ({
      code,
      summary: message,
      evidence: subject === undefined ? [] : [subject],
      hint,
    }),
  );
  const dead = components.filter(({ state, healthy }) => state === 'stopped' || healthy === false);
  const stopped =
    dead.length === 0
      ? []
      : [
          {
            code: 'COMPONENT_DOWN',
            summary: `not running or not healthy: ${dead.map(({ name }) => name).join(', ')}`,
            evidence: dead.map(({ name, detail }) => `${name}: ${detail}`),
            hint: bad.length > 0 ? 'follows from the certificates above' : 'restart it: kube-rescue recover',
          },
        ];
  return [...bad, ...structural, ...etcd, ...stopped].map((cause, index) => ({ rank: index + 1, ...cause }));
}

function weightOf(row: CertificateRow): number {
  if (row.problems.some(({ code }) => code === CLOCK)) return -1;
  const index = CONSEQUENCES.findIndex(([id]) => id === row.id);
  return index === -1 ? CONSEQUENCES.length : index;
}

function causeOf({ id, name, path, problems }: CertificateRow): Omit<Cause, 'rank'> {
  const [first] = problems.filter(({ severity }) => severity === 'problem');
  const consequence = CONSEQUENCES.find(([known]) => known === id)?.[1];
  return {
    code: first?.code ?? 'PKI_CERTIFICATE_INVALID',
    summary: `${name}: ${first?.message ?? 'it is not good'}${consequence === undefined ? '' : `; ${consequence}`}`,
    evidence: problems.map(({ subject, message }) => `${subject || path}: ${message}`),
    hint: RENEWABLE.includes(first?.code ?? '') ? RECOVER : first?.hint,
  };
}
