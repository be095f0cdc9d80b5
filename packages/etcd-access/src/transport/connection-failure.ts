import { isRecoveryError } from '@kube-rescue/errors';
import type { EtcdEndpoint } from './endpoint.ts';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';

interface Explanation {
  readonly code: EtcdErrorCode;
  readonly reason: string;
  readonly hint: string;
}

const NOT_ETCD_HINT = 'check the port: etcd serves clients on 2379, peers on 2380, metrics on 2381';

/** TLS alerts by which a server refuses the client's certificate: RFC 8446, section 6.2, as OpenSSL names them. */
const CLIENT_ALERT =
  /ALERT_(BAD_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|DECRYPT_ERROR)/;

/** Explains a failure before the first response. The code is OpenSSL's or Node's. */
function explanationOf(code: string, hasClient: boolean): Explanation {
  const alert = CLIENT_ALERT.exec(code)?.[1];
  if (alert !== undefined && !hasClient) {
    return {
      code: 'ETCD_CLIENT_REJECTED',
      reason: 'etcd requires a client certificate, and none was given',
      hint: 'give a client certificate and its key, for kubeadm /etc/kubernetes/pki/apiserver-etcd-client.crt and .key',
    };
  }
  if (alert !== undefined) {
    return {
      code: 'ETCD_CLIENT_REJECTED',
      reason: `etcd rejected the client certificate (${alert.toLowerCase().replaceAll('_', ' ')})`,
      hint: 'use an unexpired client certificate signed by a CA of its --trusted-ca-file',
    };
  }
  if (code.startsWith('ERR_SSL_') && /WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH/.test(code)) {
    return {
      code: 'ETCD_NOT_ETCD',
      reason: 'the server does not speak TLS',
      hint: `try http://, and ${NOT_ETCD_HINT}`,
    };
  }
  if (/NO_APPLICATION_PROTOCOL/.test(code) || code.startsWith('ERR_HTTP2_') || code.startsWith('NGHTTP2_')) {
    return {
      code: 'ETCD_NOT_ETCD',
      reason: 'the server does not speak HTTP/2',
      hint: `try https://, and ${NOT_ETCD_HINT}`,
    };
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return { code: 'ETCD_TLS_UNTRUSTED', reason: `the TLS handshake failed (${code})`, hint: NOT_ETCD_HINT };
  }
  return { code: 'ETCD_UNREACHABLE', reason: code, hint: 'check that etcd runs, and its log' };
}

/** What is known of a connection that failed. */
interface Attempted {
  /** Set after a timeout. */
  readonly timeoutMs?: number | undefined;
  /** A client certificate was presented. */
  readonly hasClient: boolean;
}

/** Why a connection to a member failed. */
export function connectionFailure({ url }: EtcdEndpoint, attempted: Attempted, cause: unknown): EtcdError {
  if (isRecoveryError(cause)) {
    const { message, hint } = cause;
    return new EtcdError({ code: 'ETCD_UNREACHABLE', message, subject: url, hint, cause });
  }
  if (attempted.timeoutMs !== undefined) {
    const message = `the server accepts connections but does not respond within ${attempted.timeoutMs} ms`;
    const hint = `check whether etcd hangs (its log, its disk); ${NOT_ETCD_HINT}`;
    return new EtcdError({ code: 'ETCD_TIMEOUT', message, subject: url, hint, cause });
  }
  const { code, reason, hint } = explanationOf(codeOf(cause), attempted.hasClient);
  return new EtcdError({ code, message: `no connection to etcd: ${reason}`, subject: url, hint, cause });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
