import { isList, isObject, type Json, type JsonObject } from './configuration-schema.ts';
import { fieldAt } from './effective-configuration.ts';

/** Fields of `KubeletConfiguration` that a flag can set too (`cmd/kubelet/app/options/options.go`). */
const FLAGS: readonly (readonly [flag: string, ...field: readonly string[]])[] = [
  ['pod-manifest-path', 'staticPodPath'],
  ['rotate-certificates', 'rotateCertificates'],
  ['rotate-server-certificates', 'serverTLSBootstrap'],
  ['tls-cert-file', 'tlsCertFile'],
  ['tls-private-key-file', 'tlsPrivateKeyFile'],
  ['client-ca-file', 'authentication', 'x509', 'clientCAFile'],
  ['cluster-domain', 'clusterDomain'],
  ['container-runtime-endpoint', 'containerRuntimeEndpoint'],
  ['fail-cgroupv1', 'failCgroupV1'],
  ['fail-swap-on', 'failSwapOn'],
  ['address', 'address'],
  ['port', 'port'],
];

/** The fields that are set, by the flag's name and in its form. */
export function flagsOfFields(object: JsonObject): ReadonlyMap<string, string> {
  const taints = taintsOf(fieldAt(object, 'registerWithTaints'));
  return new Map([
    ...FLAGS.flatMap(([flag, ...field]): readonly (readonly [string, string])[] => {
      const value = fieldAt(object, ...field);
      const text = typeof value === 'boolean' || typeof value === 'number' ? String(value) : textOf(value);
      return text === '' ? [] : [[flag, text]];
    }),
    ...(taints === '' ? [] : ([['register-with-taints', taints]] as const)),
  ]);
}

/** `KEY[=VALUE]:EFFECT,...`, as the flag has them. */
function taintsOf(value: Json | undefined): string {
  const items = isList(value) ? value.filter(isObject) : [];
  return items
    .map(
      (taint) =>
        `${textOf(taint['key'])}${isSet(taint['value']) ? `=${textOf(taint['value'])}` : ''}:${textOf(taint['effect'])}`,
    )
    .join(',');
}

function isSet(value: Json | undefined): boolean {
  return textOf(value) !== '';
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
