import { createSecureContext, type SecureContext } from 'node:tls';
import { EtcdError } from '../errors.ts';
import { readCertificates } from '@kube-rescue/x509';

/** CA, client certificate and verification options. */
export interface EtcdTls {
  /** PEM; the only trusted CA certificates. An intermediate CA is enough. */
  readonly ca: string;
  /** PEM certificate (followed by intermediates) and key, for etcd with client authentication. */
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
  /** Name or address that the server's certificate must be for. Default: the endpoint's. */
  readonly serverName?: string | undefined;
  /**
   * Accept expired server certificates: signatures up to the CA, name and usage are still verified. Default: false.
   */
  readonly acceptExpiredServer?: boolean | undefined;
}

const FIELDS: readonly string[] = [
  'ca',
  'client',
  'serverName',
  'acceptExpiredServer',
] satisfies readonly (keyof EtcdTls)[];
const CLIENT_FIELDS: readonly string[] = ['certificate', 'key'] satisfies readonly (keyof NonNullable<
  EtcdTls['client']
>)[];
const SHAPE = 'pass { ca, client: { certificate, key } }, each the text of a PEM file';

/**
 * Refuses what the types cannot: a variable with the names of another library, such as `cert`, has fields too many, and would connect
 * without a client certificate.
 *
 * @throws EtcdError `ETCD_CREDENTIALS_INVALID`
 */
export function assertTlsShape(tls: EtcdTls): void {
  const { client = {} } = tls;
  const strange = [
    ...Object.keys(tls).filter((name) => !FIELDS.includes(name)),
    ...Object.keys(client).filter((name) => !CLIENT_FIELDS.includes(name)),
  ];
  if (strange.length > 0) throw invalid(`unknown fields: ${strange.join(', ')}`, 'tls', SHAPE);
  const missing = [
    ...(typeof tls.ca === 'string' ? [] : ['ca']),
    ...(tls.client === undefined ? [] : CLIENT_FIELDS)
      .filter((name) => typeof (client as Readonly<Record<string, unknown>>)[name] !== 'string')
      .map((name) => `client.${name}`),
  ];
  if (missing.length > 0) throw invalid(`not a text: ${missing.join(', ')}`, 'tls', SHAPE);
}

/** Loads the certificates and the key. @throws EtcdError `ETCD_CREDENTIALS_INVALID`, without any content of the files */
export function createClientContext({ ca, client }: EtcdTls): SecureContext {
  if (readCertificates(ca).length === 0) {
    throw invalid(
      'no certificate found',
      'the CA',
      'pass the file of the CA that signed the server certificate of etcd',
    );
  }
  try {
    return createSecureContext({
      ca,
      // As in Go: every certificate in the CA file is trusted, even without its issuer.
      allowPartialTrustChain: true,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    });
  } catch (cause) {
    const isMismatch = cause instanceof Error && /key values mismatch/i.test(cause.message);
    throw invalid(
      isMismatch ? 'the key does not match the certificate' : 'not a PEM certificate and its key',
      'the client certificate and key',
      'compare the public keys: openssl x509 -noout -pubkey -in CERT; openssl pkey -pubout -in KEY',
      cause,
    );
  }
}

function invalid(reason: string, subject: string, hint: string, cause?: unknown): EtcdError {
  const message = `invalid credentials for etcd: ${reason}`;
  return new EtcdError({ code: 'ETCD_CREDENTIALS_INVALID', message, subject, hint, cause });
}
