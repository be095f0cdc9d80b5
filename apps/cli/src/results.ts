import type { CertificateRow, ExportedCa, ExportedRequest, InspectedCertificate } from '@kube-rescue/cert-rotation';
import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import type { NetworkState } from '@kube-rescue/cni-bootstrap';
import type {
  CertificateCheck,
  CheckpointListing,
  ClusterCertificates,
  EtcdAttemptRow,
  EtcdClusterRow,
  EtcdReport,
  MemberListing,
  Triage,
} from '@kube-rescue/diagnosis';
import type { DnsReport } from '@kube-rescue/ingress-dns';
import type { InspectedNode } from '@kube-rescue/node-join';
import type { PodListing } from '@kube-rescue/pod-bootstrap';
import type { Replacement, RotationReport, SnapshotRow, TokenRotationReport } from '@kube-rescue/recovery';
import type { ManifestRow } from '@kube-rescue/static-manifests';
import type { PlanAnswer } from './playbook-run.ts';
import type { RunAnswer } from './run-answer.ts';
import type { RunRow } from './render/runs.ts';
import type { NodesPlanResult } from './over-ssh/nodes-plan.ts';
import type { NodesRunResult } from './over-ssh/nodes-answer.ts';
import type { NodesRollbackResult } from './over-ssh/rollback-nodes.ts';
import type { RunSummary } from './report/run-summary.ts';
import type { ThrowawayRow } from './throwaway/throwaway-answer.ts';

/** Of a command that carries out a playbook: the run, or with `--dry-run` the plan. */
type PlaybookResult = RunAnswer | PlanAnswer;

/** The certificates of a node, whether they are sound, and by which times that was judged. */
export interface CertificateResult extends CertificateCheck {
  /** What decides between exit code 0 and 3: nothing is invalid, unread or contradictory, and nothing expires within `failWithinDays`. */
  readonly healthy: boolean;
  /** Days; `null`: 30, at most a third of the lifetime of each certificate. */
  readonly warnWithinDays: number | null;
  /** As `warnWithinDays`. */
  readonly failWithinDays: number | null;
  /** Certificates by status. */
  readonly counts: Readonly<Record<CertificateRow['status'] | 'total', number>>;
  /** With `--cluster`. */
  readonly cluster?: ClusterCertificates | undefined;
}

/** Without a connection, what was tried. */
interface EtcdUnreachable {
  readonly healthy: false;
  readonly attempts: readonly EtcdAttemptRow[];
}

interface RollbackPreview {
  readonly run: string;
  /** Changes that are active, newest first, in words. */
  readonly changes: readonly string[];
  /** What the rollback would make worse. */
  readonly worse: readonly string[];
  /** Runs that changed the same files later, newest first. */
  readonly later: readonly string[];
}

interface RollbackResult {
  readonly run: string;
  /** Number of changes that were rolled back. */
  readonly undone: number;
  readonly notReverted: readonly { readonly target: string; readonly reason: string; readonly old: string | null }[];
  /** Where the bytes are kept that the rollback replaced. */
  readonly replaced: readonly { readonly target: string; readonly kept: string }[];
}

interface JoinBundles {
  readonly bundles: readonly { readonly node: string; readonly directory: string; readonly command: string }[];
  readonly dryRun: boolean;
}

interface RunbookRow {
  readonly name: string;
  readonly title: string;
}

/** What `result` holds in the JSON document of each command, by its words. */
export interface Results {
  triage: Triage;
  plan: PlanAnswer;
  recover: (PlaybookResult & { readonly ingressDns?: DnsReport }) | NodesPlanResult | NodesRunResult;
  rollback: RollbackPreview | RollbackResult | NodesRollbackResult;
  runs: { readonly runs: readonly RunRow[] };
  report: { readonly report: RunSummary };
  runbook: { readonly runbooks: readonly RunbookRow[] } | { readonly runbook: RunbookRow & { readonly text: string } };
  completion: { readonly shell: string; readonly script: string };
  api: ThrowawayRow;
  'certs check': CertificateResult;
  'certs inspect': { readonly target: string; readonly certificates: readonly InspectedCertificate[] };
  'certs renew': PlaybookResult;
  'certs adopt': PlaybookResult;
  'certs csr export': { readonly directory: string; readonly requests: readonly ExportedRequest[] };
  'certs csr import': PlaybookResult;
  'certs reissue-cas': { readonly directory: string; readonly cas: readonly ExportedCa[] };
  'certs rotate-ca': RotationReport | (PlaybookResult & Partial<Pick<RotationReport, 'stage' | 'next'>>);
  'certs rotate-sa': TokenRotationReport | (PlaybookResult & Partial<Pick<TokenRotationReport, 'stage' | 'next'>>);
  'etcd probe': Pick<EtcdReport, 'connection' | 'attempts'>;
  'etcd status': Pick<EtcdReport, 'connection'> & (EtcdClusterRow | EtcdUnreachable);
  'etcd get': { readonly objects: readonly KubernetesObject[] } | { readonly object: KubernetesObject };
  'etcd members': MemberListing | { readonly members: readonly never[]; readonly attempts: readonly EtcdAttemptRow[] };
  'etcd members promote': PlaybookResult;
  'etcd members remove': PlaybookResult & { readonly replacement: Replacement };
  'etcd patch': PlaybookResult;
  'etcd restore': PlaybookResult & { readonly replacement?: Replacement };
  'etcd snapshot': SnapshotRow;
  'manifests list': CheckpointListing & { readonly manifests: readonly ManifestRow[] };
  'manifests restart': PlaybookResult;
  'manifests checkpoint': PlaybookResult;
  'cni check': NetworkState & { readonly node: string };
  'cni bootstrap': PlaybookResult;
  'pods list': PodListing;
  'pods rescue': PlaybookResult;
  'pods release': PlaybookResult;
  'nodes list': { readonly nodes: readonly InspectedNode[]; readonly unreadable: readonly string[] };
  'nodes taint': PlaybookResult;
  'nodes join': PlaybookResult | JoinBundles;
  'dns check': DnsReport;
  'dns set-credentials': PlaybookResult;
}
