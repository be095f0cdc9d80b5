/** The client certificate and key inside a kubeconfig, as PEM. */
export interface EmbeddedCredentials {
  readonly certificate: string;
  readonly key: string;
}

// tls_rotate leaves a space after the data.
const CERTIFICATE = /^(\s*client-certificate-data: )(\S+)[ \t]*$/m;
const KEY = /^\s*client-key-data: (\S+)[ \t]*$/m;

/** Reads the embedded credentials of a kubeconfig; `undefined` when the kubeconfig refers to files. */
export function readEmbeddedCredentials(kubeconfig: string): EmbeddedCredentials | undefined {
  const certificate = CERTIFICATE.exec(kubeconfig)?.[2];
  const key = KEY.exec(kubeconfig)?.[1];
  if (certificate === undefined || key === undefined) return undefined;
  return { certificate: decode(certificate), key: decode(key) };
}

/** The same kubeconfig with another client certificate. */
export function withEmbeddedCertificate(kubeconfig: string, certificate: string): string {
  const data = Buffer.from(certificate).toString('base64');
  return kubeconfig.replace(CERTIFICATE, (_, key: string) => `${key}${data}`);
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
