import { isRecoveryError, printable } from '@kube-rescue/errors';
import { ObjectError } from '@kube-rescue/cluster-objects';
import { CallFailure } from '../transport/call-failure.ts';
import type { KmsProvider } from '../objects/encryption-configuration.ts';

const START =
  "start the KMS plugin: as a static pod, check its manifest and 'crictl ps -a'; as a systemd unit, systemctl start it";
const VIA_API = 'or make the change through the API server (--via api)';
const SEE_ITS_LOG = `see the log of the KMS plugin, ${VIA_API}`;
const LONGEST_REASON = 200;
/** gRPC status codes: UNIMPLEMENTED, DEADLINE_EXCEEDED. */
const UNIMPLEMENTED = 12;
const DEADLINE_EXCEEDED = 4;

/** The provider and its socket, for the subject of an error. */
export function describeProvider({ name, endpoint }: KmsProvider): string {
  return `KMS provider ${printable(name)} (${printable(endpoint)})`;
}

/** The plugin answers, but wrongly. @param problem names no key and no plaintext */
export function pluginFailed(provider: KmsProvider, problem: string, cause?: unknown): ObjectError {
  return new ObjectError({
    code: 'OBJECT_KMS_FAILED',
    message: `the KMS plugin cannot be used: ${problem}`,
    subject: describeProvider(provider),
    hint: SEE_ITS_LOG,
    cause,
  });
}

/** The plugin does not answer. */
function pluginUnreachable(provider: KmsProvider, problem: string, cause?: unknown): ObjectError {
  return new ObjectError({
    code: 'OBJECT_KMS_UNREACHABLE',
    message: `the KMS plugin does not answer: ${problem}`,
    subject: describeProvider(provider),
    hint: `${START}; ${VIA_API}`,
    cause,
  });
}

/** Translates the failure of a connection or of a call; other errors are returned as they are. */
export function kmsFailureOf(error: unknown, provider: KmsProvider, timeoutMs: number): unknown {
  if (error instanceof ObjectError) return error;
  if (error instanceof CallFailure) return callFailed(error, provider);
  if (isRecoveryError(error)) {
    // A socket that another user could have made, and a copy or another machine: the host's own message says more.
    if (error.code === 'SOURCE_UNTRUSTED') return error;
    if (error.code === 'HOST_UNSUPPORTED') return unusable(provider, error.message, error.hint);
    return pluginUnreachable(provider, error.message, error);
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return pluginUnreachable(provider, `no response within ${timeoutMs} ms`, error);
  }
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return pluginUnreachable(provider, code ?? 'its socket does not speak gRPC', error);
}

/** Values of this provider cannot be used here at all. */
export function unusable({ name }: Pick<KmsProvider, 'name'>, problem: string, hint?: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_ENCRYPTED_KMS',
    message: `the value is encrypted with KMS, and its plugin cannot be used from here: ${problem}`,
    subject: `KMS provider ${printable(name)}`,
    hint: `${hint === undefined ? '' : `${hint}; `}${hint === undefined ? VIA_API.slice('or '.length) : VIA_API}`,
  });
}

function callFailed(failure: CallFailure, provider: KmsProvider): ObjectError {
  const { kind, status, message } = failure;
  if (kind === 'foreign' || kind === 'too-large') return pluginFailed(provider, message, failure);
  if (kind !== 'status' || status === DEADLINE_EXCEEDED) return pluginUnreachable(provider, message, failure);
  if (status === UNIMPLEMENTED) return pluginFailed(provider, 'it does not serve the KMS v2 API', failure);
  return pluginFailed(provider, `status ${status}: ${printable(message.slice(0, LONGEST_REASON))}`, failure);
}
