import {
  type ConfigurationText,
  decodeKubeconfig,
  editKubeconfig,
  isConfiguration,
  readConfigurationTexts,
  readKubeconfigTrust,
  recognizableText,
  replaceConfigurationTexts,
  replaceKubeconfigTrust,
} from '@kube-rescue/node-config';
import type { HostPath } from '@kube-rescue/host';
import { beginsCertificate, straightenPem } from '@kube-rescue/x509';

/**
 * How a file holds the CAs that its reader trusts. `file`: PEM alone. `kubeconfig`: base64 of PEM in its clusters.
 * `configuration`: PEM, or base64 of PEM, in strings of YAML or JSON.
 */
export type TrustFormat = 'file' | 'kubeconfig' | 'configuration';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * The format of a file by its content; `undefined` when it has none of the three.
 *
 * PEM with blanks before its lines stands inside something else, unless that is no YAML: then it is damaged PEM.
 */
export function detectFormat(bytes: Uint8Array): TrustFormat | undefined {
  const text = recognizableText(bytes);
  if (beginsCertificate(text)) return 'file';
  if (isConfiguration(text)) return /^[ \t]*["']?clusters["']?[ \t]*:/m.test(text) ? 'kubeconfig' : 'configuration';
  return straightenPem(text) === undefined ? undefined : 'file';
}

/** PEM that a string of a configuration holds, in plain or in base64 (a field of bytes in JSON). */
function pemIn(text: string): { readonly pem: string; readonly isBase64: boolean } | undefined {
  if (beginsCertificate(text)) return { pem: text, isBase64: false };
  const data = text.replace(/\s/g, '');
  if (data.length < 64 || data.length % 4 !== 0 || !BASE64.test(data)) return undefined;
  const pem = Buffer.from(data, 'base64').toString('latin1');
  return beginsCertificate(pem) ? { pem, isBase64: true } : undefined;
}

/**
 * The PEM texts of a file that can hold CAs.
 *
 * @throws NodeConfigError `CONFIGURATION_INVALID` `PKI_KUBECONFIG_INVALID`
 */
export function readTrustTexts(bytes: Uint8Array, format: TrustFormat, path: HostPath): readonly string[] {
  if (format === 'file') return [readPemFile(bytes)];
  const source = decodeKubeconfig(bytes, path);
  if (format === 'configuration')
    return readConfigurationTexts(source, path).flatMap(({ text }) => pemIn(text)?.pem ?? []);
  return readKubeconfigTrust(source, path).flatMap((trust) => (trust.in === 'kubeconfig' ? [trust.text] : []));
}

/** A PEM file, straightened where only blanks or line ends keep Go from reading it. */
function readPemFile(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1');
  return straightenPem(text) ?? text;
}

/**
 * The bytes of a file with other CAs, in its own format; every other byte stays. YAML and JSON are parsed again before they
 * are returned. PEM that Go cannot read for blanks or line ends alone becomes readable.
 *
 * @param replace the new PEM text for an old one
 * @throws NodeConfigError `CONFIGURATION_INVALID` `CONFIGURATION_UNSUPPORTED` `PKI_KUBECONFIG_INVALID`; and what `replace` throws
 */
export function replaceTrust(
  { bytes, format, path }: { readonly bytes: Uint8Array; readonly format: TrustFormat; readonly path: HostPath },
  replace: (pem: string) => string,
): Uint8Array {
  if (format === 'file') return Buffer.from(replace(readPemFile(bytes)), 'latin1');
  if (format === 'kubeconfig') {
    return editKubeconfig(bytes, path, (source) => replaceKubeconfigTrust(source, path, replace));
  }
  const text = replaceConfigurationTexts(decodeKubeconfig(bytes, path), path, (value) => {
    const found = pemIn(value);
    if (found === undefined) return value;
    const pem = replace(found.pem);
    if (pem === found.pem) return value;
    return found.isBase64 ? Buffer.from(pem, 'latin1').toString('base64') : pem;
  });
  return Buffer.from(text);
}

/** Fields of Kubernetes' configurations that name a kubeconfig or a file with CAs. */
const FILE_FIELDS = [
  /** AuthorizationConfiguration (apiserver.config.k8s.io), WebhookAdmissionConfiguration and ImagePolicyWebhook's configuration. */
  'kubeConfigFile',
  /** `clientConnection` of KubeSchedulerConfiguration, KubeControllerManagerConfiguration and KubeProxyConfiguration. */
  'kubeconfig',
  /** `authentication.x509` of KubeletConfiguration. */
  'clientCAFile',
  /** `tlsConfig` of EgressSelectorConfiguration: a path, unlike the field of the same name in webhooks. */
  'caBundle',
];

/** Names of further files in a configuration, as written there: they may be relative. */
export function filesNamedIn(texts: readonly ConfigurationText[]): readonly string[] {
  return texts
    .filter(({ keys }) => FILE_FIELDS.includes(keys.at(-1) ?? '') || isPluginFile(keys))
    .filter(({ keys, text }) => /^[^\s:]{1,4096}$/.test(text) && (keys.at(-1) !== 'caBundle' || text.startsWith('/')))
    .map(({ text }) => text);
}

/**
 * Directories of webhook configurations, each with `caBundle`: `staticManifestsDir` of WebhookAdmissionConfiguration, on by default since
 * Kubernetes 1.37 (apiserver `pkg/admission/plugin/webhook/config/apis/webhookadmission/v1/types.go`).
 */
export function directoriesNamedIn(texts: readonly ConfigurationText[]): readonly string[] {
  return texts
    .filter(({ keys, text }) => keys.at(-1) === 'staticManifestsDir' && text.startsWith('/'))
    .map(({ text }) => text);
}

/** The files of such a directory that the API server reads; none of its subdirectories (`pkg/admission/plugin/manifest/loader.go`). */
export function isStaticManifest(name: string): boolean {
  return /\.(?:ya?ml|json)$/.test(name);
}

/** `plugins[].path` of AdmissionConfiguration. */
function isPluginFile(keys: readonly string[]): boolean {
  return keys.length === 3 && keys[0] === 'plugins' && keys[2] === 'path';
}
