import { printable } from '@kube-rescue/errors';
import { ObjectError, type ObjectErrorCode } from '../errors.ts';
import { fieldsAt, listAt, textAt } from '../objects/object-fields.ts';

/** A request to the API server, as far as needed to classify its failure. */
export interface Attempt {
  /** The object or the kind, for messages. */
  readonly subject: string;
  readonly writes: boolean;
}

/** The parts of a `Status` response without values of the object. */
interface Refusal {
  readonly reason: string;
  readonly fields: readonly string[];
  readonly namesObject: boolean;
  readonly tooLarge: boolean;
}

const HINTS: Readonly<Partial<Record<ObjectErrorCode, string>>> = {
  OBJECT_NOT_FOUND: 'check the name and the namespace, or read it again',
  OBJECT_EXISTS: 'read it and replace it',
  OBJECT_CONFLICT: 'read it again and repeat the edit',
  OBJECT_KIND_UNKNOWN: 'check which kinds and versions the cluster serves (kubectl api-resources)',
  OBJECT_INVALID: 'correct the named fields',
  OBJECT_TOO_LARGE: 'keep objects below 1 MiB',
  OBJECT_CREDENTIALS_INVALID: 'renew the client certificate, or use another kubeconfig',
  OBJECT_FORBIDDEN: "use a cluster administrator's kubeconfig",
  OBJECT_STORE_UNREACHABLE: "see the log of the API server's container",
  OBJECT_OUTCOME_UNKNOWN: 'read the object to see whether the change was made',
  OBJECT_STORE_FAILED: "see the API server's log",
};

/** Causes before anything was sent. */
const NOT_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|.*CERT.*)$/;

/**
 * Translates a response that is not a success. Contains the reason and the names of fields, never the text of the response,
 * which quotes values.
 */
export function refusalOf(status: number, body: string, attempt: Attempt): ObjectError {
  const refusal = readStatus(body);
  const code = codeOf(status, refusal, attempt);
  const fields = refusal.fields.length === 0 ? '' : ` (${refusal.fields.join(', ')})`;
  return failure(code, `the API server answered ${status} ${printable(refusal.reason)}${printable(fields)}`, attempt);
}

/** Translates a request without a response. */
export function noResponseOf(error: unknown, attempt: Attempt): ObjectError {
  const reason = reasonOf(error);
  const isUnknown = attempt.writes && !NOT_SENT.test(reason);
  const code = isUnknown ? 'OBJECT_OUTCOME_UNKNOWN' : 'OBJECT_STORE_UNREACHABLE';
  return failure(code, `the API server did not answer: ${reason}`, attempt);
}

/** An answer that no API server gives; it is not used, and no credentials follow it. */
export function notAnApiServer(what: string, subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_UNREADABLE',
    message: `the API server answered with ${what}`,
    subject,
    hint: 'check that no proxy answers in place of the API server',
  });
}

/** A write whose answer could not be read. */
export function outcomeUnknown(cause: Error, subject: string): ObjectError {
  const code = 'OBJECT_OUTCOME_UNKNOWN';
  return new ObjectError({ code, message: cause.message, subject, hint: HINTS[code], cause });
}

function failure(code: ObjectErrorCode, message: string, { subject }: Attempt): ObjectError {
  return new ObjectError({ code, message, subject, hint: HINTS[code] });
}

function codeOf(status: number, refusal: Refusal, { writes }: Attempt): ObjectErrorCode {
  if (refusal.tooLarge || status === 413) return 'OBJECT_TOO_LARGE';
  switch (status) {
    case 400:
    case 422:
      return 'OBJECT_INVALID';
    case 401:
      return 'OBJECT_CREDENTIALS_INVALID';
    case 403:
      return 'OBJECT_FORBIDDEN';
    case 404:
      return refusal.namesObject ? 'OBJECT_NOT_FOUND' : 'OBJECT_KIND_UNKNOWN';
    case 405:
      return 'OBJECT_KIND_UNKNOWN';
    case 409:
      return refusal.reason === 'AlreadyExists' ? 'OBJECT_EXISTS' : 'OBJECT_CONFLICT';
    case 429:
    case 503:
      return 'OBJECT_STORE_UNREACHABLE';
    default:
      return writes && status >= 500 ? 'OBJECT_OUTCOME_UNKNOWN' : 'OBJECT_STORE_FAILED';
  }
}

function readStatus(body: string): Refusal {
  const status = fieldsAt(parse(body));
  const details = fieldsAt(status, 'details');
  const causes = listAt(details, 'causes');
  const reasons = causes.map((cause) => textAt(cause, 'reason'));
  return {
    reason: textAt(status, 'reason') ?? 'without a reason',
    fields: causes.flatMap((cause) => textAt(cause, 'field') ?? []),
    namesObject: textAt(details, 'name') !== undefined,
    // etcd's own refusal is passed on as an internal error, recognisable only by its text.
    tooLarge:
      reasons.includes('FieldValueTooLong') || /request is too large|larger than max/.test(String(status.message)),
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** The innermost code, for example `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given';
  if (error.name === 'TimeoutError') return 'no answer in time';
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
