import type { ComponentFlags } from '@kube-rescue/node-config';
import { type HostPath, hostPath } from '@kube-rescue/host';
import { CERTIFICATES } from './catalogue.ts';
import { locateKubeconfig } from './certificate-locating.ts';

/** The node whose files are listed. */
export interface FlagSurvey {
  readonly components: readonly ComponentFlags[];
  readonly kubernetesDirectory: HostPath;
}

/** A file that a flag or another file names, with the mounts of the container that reads it. */
export interface NamedFile {
  readonly path: HostPath;
  readonly mounts: ComponentFlags['mounts'];
}

const KUBECONFIG_FLAGS = [
  'kubeconfig',
  'authentication-kubeconfig',
  'authorization-kubeconfig',
  'bootstrap-kubeconfig',
];
/**
 * Flags whose file never holds a CA that its reader trusts: keys of tokens, keys and sockets of encryption
 * (EncryptionConfiguration), what is logged (audit.k8s.io Policy), an endpoint without TLS (TracingConfiguration).
 */
const NO_TRUST_FLAGS = [
  'service-account-key-file',
  'service-account-signing-key-file',
  'encryption-provider-config',
  'audit-policy-file',
  'tracing-config-file',
];

/** Every file in flags that can hold a CA; no directories, no kubeconfigs. */
export function flaggedFiles({ components }: Pick<FlagSurvey, 'components'>): readonly NamedFile[] {
  return components.flatMap(({ flags, mounts }) =>
    [...flags]
      .filter(([flag, value]) => value.startsWith('/') && !value.includes(',') && !flag.endsWith('-dir'))
      .filter(([flag]) => !KUBECONFIG_FLAGS.includes(flag) && !NO_TRUST_FLAGS.includes(flag))
      .map(([, value]): NamedFile => ({ path: hostPath(value), mounts })),
  );
}

/** Kubeconfigs in flags, or with a usual name. */
export function namedKubeconfigs(survey: FlagSurvey): readonly HostPath[] {
  const flagged = survey.components.flatMap(({ flags }) => KUBECONFIG_FLAGS.map((flag) => flags.get(flag) ?? ''));
  const usual = CERTIFICATES.map((definition) => locateKubeconfig(definition, survey)).filter(
    (path) => path !== undefined,
  );
  return [...flagged.filter((path) => path.startsWith('/')).map(hostPath), ...usual];
}
