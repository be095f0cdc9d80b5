import { PKI_ERRORS } from '@kube-rescue/cert-rotation';
import { OBJECT_ERRORS } from '@kube-rescue/cluster-objects';
import { CNI_ERRORS } from '@kube-rescue/cni-bootstrap';
import { ETCD_ERRORS } from '@kube-rescue/etcd-access';
import { type ErrorCode, type ErrorKind, type ErrorTables, RecoveryError } from '@kube-rescue/errors';
import { HOST_ERRORS } from '@kube-rescue/host';
import { INGRESS_DNS_ERRORS } from '@kube-rescue/ingress-dns';
import { LAB_ERRORS } from '@kube-rescue/lab';
import { NODE_ERRORS } from '@kube-rescue/node';
import { NODE_CONFIG_ERRORS } from '@kube-rescue/node-config';
import { JOIN_ERRORS } from '@kube-rescue/node-join';
import { POD_ERRORS } from '@kube-rescue/pod-bootstrap';
import { MANIFEST_ERRORS } from '@kube-rescue/static-manifests';
import { RECOVERY_ERRORS } from '@kube-rescue/recovery';
import { WORKFLOW_ERRORS } from '@kube-rescue/workflow';
import { X509_ERRORS } from '@kube-rescue/x509';
import { DRILL_ERRORS } from '../apps/drill/src/errors.ts';
import { CLI_ERRORS } from '../apps/cli/src/errors.ts';

/** All tables of error codes; a missing table does not compile. */
const TABLES: { readonly [P in keyof ErrorTables]: ErrorTables[P] } = {
  'cert-rotation': PKI_ERRORS,
  'cluster-objects': OBJECT_ERRORS,
  'cni-bootstrap': CNI_ERRORS,
  'etcd-access': ETCD_ERRORS,
  host: HOST_ERRORS,
  'ingress-dns': INGRESS_DNS_ERRORS,
  lab: LAB_ERRORS,
  node: NODE_ERRORS,
  'node-config': NODE_CONFIG_ERRORS,
  'node-join': JOIN_ERRORS,
  'pod-bootstrap': POD_ERRORS,
  recovery: RECOVERY_ERRORS,
  'static-manifests': MANIFEST_ERRORS,
  workflow: WORKFLOW_ERRORS,
  x509: X509_ERRORS,
  cli: CLI_ERRORS,
  drill: DRILL_ERRORS,
};
export const KINDS = Object.values(TABLES).reduce<Partial<Record<ErrorCode, ErrorKind>>>(
  (all, table) => ({ ...all, ...table }),
  {},
);
export const CODES = Object.keys(KINDS) as readonly ErrorCode[];

export function failureOf(code: ErrorCode): RecoveryError {
  return new RecoveryError({ code, message: 'it failed' }, KINDS as Readonly<Record<ErrorCode, ErrorKind>>);
}
