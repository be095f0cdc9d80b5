import { fieldsAt, type KubernetesObject } from '@kube-rescue/cluster-objects';
import type { Readable } from './object-location.ts';

/**
 * The purpose of a certificate.
 * `api-server-trust`: clients verify the API server with it. `service-trust`: the API server verifies a webhook or extension API
 * server with it. `client-trust`, `proxy-trust`: extension API servers verify clients and the front proxy with it. `trust`: a CA
 * for another purpose. `identity`: its holder authenticates with it.
 */
export type CertificatePurpose =
  | 'api-server-trust'
  | 'service-trust'
  | 'client-trust'
  | 'proxy-trust'
  | 'trust'
  | 'identity';

/** A value of an object that may hold certificates. */
export interface ObjectField {
  /** As in `ObjectLocation`. */
  readonly key: string;
  /** The path of the field in the object. */
  readonly path: readonly string[];
  /** The encoding of the bytes in the object. */
  readonly encoding: 'base64' | 'utf8';
  readonly bytes: Uint8Array;
  /** The purpose of the field; `undefined` when only its content shows it. */
  readonly purpose: CertificatePurpose | undefined;
  /** A component reads it as PEM certificates, so any other content is a problem. */
  readonly isExpected: boolean;
  /** The DNS name of the caBundle's service, for example `metrics-server.kube-system.svc`. */
  readonly service: string | undefined;
}

const SERVICE_ACCOUNT_TOKEN = 'kubernetes.io/service-account-token';
const TLS = 'kubernetes.io/tls';

/** The values of an object that may hold certificates, with private keys: these are matched. */
export function readFields(read: Readable): readonly ObjectField[] {
  const { object } = read;
  switch (read.kind.kind) {
    case 'Secret':
      return secretFields(object);
    case 'ConfigMap':
      return configMapFields(object);
    case 'MutatingWebhookConfiguration':
    case 'ValidatingWebhookConfiguration':
      return listOf(object.webhooks).flatMap((webhook, index) =>
        bundleField(`webhooks[${index}].clientConfig`, fieldsAt(webhook)['clientConfig']),
      );
    case 'APIService':
      return bundleField('spec', object.spec);
    case 'CustomResourceDefinition':
      return conversionFields(object);
    default:
      return [];
  }
}

function secretFields({ data, type }: KubernetesObject): readonly ObjectField[] {
  return Object.entries(fieldsAt(data)).flatMap(([key, value]) => {
    if (typeof value !== 'string') return [];
    const isRoot = type === SERVICE_ACCOUNT_TOKEN && key === 'ca.crt';
    const isPair = type === TLS && key === 'tls.crt';
    const purpose = isRoot ? 'api-server-trust' : isPair ? 'identity' : undefined;
    return [dataField('data', key, value, 'base64', { purpose, isExpected: isRoot || isPair })];
  });
}

function configMapFields({ data, binaryData, metadata }: KubernetesObject): readonly ObjectField[] {
  const texts = Object.entries(fieldsAt(data)).flatMap(([key, value]) => {
    if (typeof value !== 'string') return [];
    const purpose = CONFIG_MAP_PURPOSES[`${metadata.name} ${key}`];
    return [dataField('data', key, value, 'utf8', { purpose, isExpected: purpose !== undefined })];
  });
  const binaries = Object.entries(fieldsAt(binaryData)).flatMap(([key, value]) =>
    typeof value === 'string' ? [dataField('binaryData', key, value, 'base64')] : [],
  );
  return [...texts, ...binaries];
}

/** kube-controller-manager, kubeadm and kube-apiserver write these. */
const CONFIG_MAP_PURPOSES: Readonly<Record<string, CertificatePurpose>> = {
  'kube-root-ca.crt ca.crt': 'api-server-trust',
  'cluster-info kubeconfig': 'api-server-trust',
  'extension-apiserver-authentication client-ca-file': 'client-trust',
  'extension-apiserver-authentication requestheader-client-ca-file': 'proxy-trust',
};

/** In v1beta1 (as 1.20 stores it) and in v1, which differ. */
function conversionFields({ spec }: KubernetesObject): readonly ObjectField[] {
  const conversion = fieldsAt(spec, 'conversion');
  return [
    ...bundleField('spec.conversion.webhookClientConfig', conversion['webhookClientConfig']),
    ...bundleField('spec.conversion.webhook.clientConfig', fieldsAt(conversion, 'webhook')['clientConfig']),
  ];
}

function bundleField(holderPath: string, holder: unknown): readonly ObjectField[] {
  const { caBundle, service, url } = fieldsAt(holder);
  if (typeof caBundle !== 'string') return [];
  const { name, namespace } = fieldsAt(service);
  const serviceName =
    typeof name === 'string' && typeof namespace === 'string' ? `${name}.${namespace}.svc` : undefined;
  const key = `${holderPath}.caBundle`;
  return [
    {
      key,
      path: key.match(/[^.[\]]+/g) ?? [],
      encoding: 'base64',
      bytes: Buffer.from(caBundle, 'base64'),
      purpose: 'service-trust',
      isExpected: true,
      service: typeof url === 'string' ? undefined : serviceName,
    },
  ];
}

function dataField(
  holder: 'data' | 'binaryData',
  key: string,
  value: string,
  encoding: ObjectField['encoding'],
  traits: Partial<ObjectField> = {},
): ObjectField {
  const bytes = Buffer.from(value, encoding);
  return {
    key,
    path: [holder, key],
    encoding,
    bytes,
    purpose: undefined,
    isExpected: false,
    service: undefined,
    ...traits,
  };
}

/** The object with other bytes in one of its fields. */
export function withField(
  object: KubernetesObject,
  { path, encoding }: Pick<ObjectField, 'path' | 'encoding'>,
  bytes: Uint8Array,
): KubernetesObject {
  return set(object, path, Buffer.from(bytes).toString(encoding)) as KubernetesObject;
}

function set(holder: unknown, [name, ...rest]: readonly string[], value: string): unknown {
  if (name === undefined) return value;
  if (Array.isArray(holder))
    return holder.map((each: unknown, at) => (String(at) === name ? set(each, rest, value) : each));
  const record = fieldsAt(holder);
  return { ...record, [name]: set(record[name], rest, value) };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
