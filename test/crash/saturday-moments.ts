/** A moment of the recovery at which it is interrupted. */
export interface Moment {
  /** Completes "interrupted ...". */
  readonly what: string;
  /** The interruption comes when the journal has a record of this type of this step, */
  readonly type: 'finding' | 'step' | 'intent' | 'applied' | 'verified';
  readonly step: string;
  /** plus this delay. Default: 0. */
  readonly delayMs?: number;
  /** Default: SIGKILL. */
  readonly signal?: 'SIGINT';
}

/** An interruption that took place. */
export interface Interruption {
  readonly what: string;
  readonly signal: 'SIGKILL' | 'SIGINT';
  /** The phase and the last record of the journal. */
  readonly at: string;
}

/**
 * In the order of the recovery. The next attempt repeats the interrupted step, so that it can be interrupted again.
 */
export const SATURDAY_MOMENTS: readonly Moment[] = [
  { what: 'during the backup of etcd', type: 'step', step: 'backup/etcd-snapshot' },
  { what: 'before a Secret of the control plane is written', type: 'intent', step: 'objects/secrets' },
  { what: 'before objects that trust the old CA are written', type: 'intent', step: 'objects/trust/cluster-ca' },
  { what: 'between writes to etcd and their record', type: 'intent', step: 'objects/trust/cluster-ca', delayMs: 20 },
  {
    what: 'between writes to etcd and their record, by Ctrl-C',
    ...{ type: 'intent', step: 'objects/trust/cluster-ca', delayMs: 40, signal: 'SIGINT' },
  },
  { what: 'before new AWS keys are written', type: 'intent', step: 'dns/write-credentials' },
  { what: 'while their controller is restarted', type: 'intent', step: 'dns/restart-controller', delayMs: 20 },
  { what: 'before the checkpointer is frozen', type: 'intent', step: 'checkpoint/contents' },
  { what: 'with the checkpointer frozen', type: 'intent', step: 'checkpoint/contents', delayMs: 300 },
  { what: 'while the kubelet starts again', type: 'applied', step: 'checkpoint/contents', signal: 'SIGINT' },
  {
    what: 'between the start of the kubelet and a stable API server',
    ...{ type: 'applied', step: 'control-plane/api-stable', delayMs: 1500 },
  },
  { what: 'while the API server has to stay up', type: 'finding', step: 'control-plane/api-stable', delayMs: 4000 },
  { what: 'before the files of the network are written', type: 'intent', step: 'network/bootstrap' },
  // Side by side from here on: the journal interleaves their records.
  { what: 'while leader locks are taken from ended holders', type: 'intent', step: 'pods/leader-locks' },
  { what: 'while the taint is restored beside them', type: 'intent', step: 'nodes/taints/cp1' },
  { what: 'while rescue pods are created side by side', type: 'intent', step: 'pods/rescue/kube-controller-manager' },
  {
    what: 'while rescue pods start side by side',
    ...{ type: 'applied', step: 'pods/rescue/kube-scheduler', delayMs: 1500 },
  },
  { what: 'with one rescue pod working', type: 'verified', step: 'pods/rescue/kube-dns', signal: 'SIGINT' },
  { what: 'while the worker rejoins over SSH', type: 'intent', step: 'nodes/join', delayMs: 200 },
  { what: 'while the worker becomes Ready', type: 'applied', step: 'nodes/join', signal: 'SIGINT' },
  { what: 'while names are waited for beside the handover', type: 'step', step: 'dns/names', delayMs: 500 },
  {
    what: 'while rescue pods are removed side by side',
    ...{ type: 'intent', step: 'pods/release/kube-controller-manager', signal: 'SIGINT' },
  },
  {
    what: 'around the release of the lock of a removed pod',
    ...{ type: 'intent', step: 'pods/release/kube-scheduler', delayMs: 3000 },
  },
  { what: 'with one rescue pod removed', type: 'applied', step: 'pods/release/kube-dns' },
  { what: 'while the API server has to last', type: 'finding', step: 'checkpoint/stable', delayMs: 5000 },
];
