/** An instant of the recovery at which it is cut off. */
export interface Moment {
  /** Completes "cut off ...". */
  readonly what: string;
  /** As soon as the journal has a record of this type of this step, */
  readonly type: 'finding' | 'step' | 'intent' | 'applied' | 'verified';
  readonly step: string;
  /** or so long after. Default: 0. */
  readonly delayMs?: number;
  /** Default: SIGKILL. */
  readonly signal?: 'SIGINT';
}

/** Where it was cut off in fact. */
export interface Cut {
  readonly what: string;
  readonly signal: 'SIGKILL' | 'SIGINT';
  /** The phase and the last record of the journal. */
  readonly at: string;
}

/**
 * In the order in which a recovery comes to them. The step that is cut off is made again by the next one, so that it can be cut
 * off once more.
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
  { what: 'before the checkpointer is frozen', type: 'intent', step: 'checkpoint/contents' },
  { what: 'with the checkpointer frozen', type: 'intent', step: 'checkpoint/contents', delayMs: 300 },
  { what: 'while the kubelet starts again', type: 'applied', step: 'checkpoint/contents', signal: 'SIGINT' },
  {
    what: 'between the start of the kubelet and a stable API server',
    ...{ type: 'applied', step: 'control-plane/api-stable', delayMs: 1500 },
  },
  { what: 'while the API server has to stay up', type: 'finding', step: 'control-plane/api-stable', delayMs: 4000 },
  { what: 'before the files of the network are written', type: 'intent', step: 'network/bootstrap' },
  { what: 'while a rescue pod is made', type: 'intent', step: 'pods/rescue/kube-controller-manager' },
  {
    what: 'while a rescue pod starts',
    ...{ type: 'applied', step: 'pods/rescue/kube-controller-manager', delayMs: 1500 },
  },
  {
    what: 'with one rescue pod working',
    type: 'applied',
    step: 'pods/rescue/kube-dns',
    delayMs: 1500,
    signal: 'SIGINT',
  },
  { what: 'with two rescue pods working', type: 'intent', step: 'pods/rescue/kube-scheduler' },
  { what: 'with every rescue pod working', type: 'verified', step: 'pods/rescue/kube-scheduler' },
  { what: 'while the taint is restored', type: 'intent', step: 'nodes/taints/cp1' },
  { what: 'while the worker rejoins over SSH', type: 'intent', step: 'nodes/join', delayMs: 200 },
  { what: 'while the worker becomes Ready', type: 'applied', step: 'nodes/join', signal: 'SIGINT' },
  { what: 'while a rescue pod is removed', type: 'intent', step: 'pods/release/kube-controller-manager' },
  { what: 'with one rescue pod removed', type: 'applied', step: 'pods/release/kube-dns' },
];
