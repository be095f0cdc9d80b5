import type { DescMessage } from '@bufbuild/protobuf';
import { apiVersionOf, type ResourceKind } from '@kube-rescue/cluster-objects';
import {
  MutatingWebhookConfigurationSchema,
  ValidatingWebhookConfigurationSchema,
} from '../generated/kubernetes/admission_pb.ts';
import { DaemonSetSchema, DeploymentSchema, ReplicaSetSchema } from '../generated/kubernetes/apps_pb.ts';
import { CertificateSigningRequestSchema } from '../generated/kubernetes/certificates_pb.ts';
import { LeaseSchema } from '../generated/kubernetes/coordination_pb.ts';
import {
  ConfigMapSchema,
  NamespaceSchema,
  SecretSchema,
  ServiceAccountSchema,
} from '../generated/kubernetes/core_pb.ts';
import { IngressSchema } from '../generated/kubernetes/networking_pb.ts';
import { NodeSchema } from '../generated/kubernetes/node_pb.ts';
import { PodSchema } from '../generated/kubernetes/pod_pb.ts';
import { EndpointsSchema, ServiceSchema } from '../generated/kubernetes/service_pb.ts';

const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  Secret: SecretSchema,
  ConfigMap: ConfigMapSchema,
  ServiceAccount: ServiceAccountSchema,
  Node: NodeSchema,
  Pod: PodSchema,
  Namespace: NamespaceSchema,
  Service: ServiceSchema,
  Endpoints: EndpointsSchema,
  Deployment: DeploymentSchema,
  DaemonSet: DaemonSetSchema,
  ReplicaSet: ReplicaSetSchema,
  Ingress: IngressSchema,
  Lease: LeaseSchema,
  CertificateSigningRequest: CertificateSigningRequestSchema,
  MutatingWebhookConfiguration: MutatingWebhookConfigurationSchema,
  ValidatingWebhookConfiguration: ValidatingWebhookConfigurationSchema,
};

/** Older versions with the same field numbers as the API version in use. */
const OLDER_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['apps/v1beta2', 'apps/v1beta1', 'extensions/v1beta1'],
  DaemonSet: ['apps/v1beta2', 'extensions/v1beta1'],
  ReplicaSet: ['apps/v1beta2', 'extensions/v1beta1'],
  Ingress: ['networking.k8s.io/v1beta1', 'extensions/v1beta1'],
  Lease: ['coordination.k8s.io/v1beta1'],
  CertificateSigningRequest: ['certificates.k8s.io/v1beta1'],
  MutatingWebhookConfiguration: ['admissionregistration.k8s.io/v1beta1'],
  ValidatingWebhookConfiguration: ['admissionregistration.k8s.io/v1beta1'],
};

/** The protobuf schema of a kind in this version; `undefined` when unknown. */
export function schemaOf(kind: ResourceKind, apiVersion: string): DescMessage | undefined {
  if (apiVersion !== apiVersionOf(kind) && !OLDER_VERSIONS[kind.kind]?.includes(apiVersion)) return undefined;
  return Object.hasOwn(SCHEMAS, kind.kind) ? SCHEMAS[kind.kind] : undefined;
}
