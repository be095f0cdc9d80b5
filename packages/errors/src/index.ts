export { type ErrorKind, IS_KNOWN_WRONG } from './error-kind.ts';
export {
  describeError,
  type ErrorCode,
  type ErrorTables,
  isErrorOfKind,
  isKnownWrong,
  isRecoveryError,
  isUnanswered,
  isUnavailable,
  RecoveryError,
  type RecoveryErrorDetails,
} from './recovery-error.ts';
export { printable, redact } from './redact.ts';
export { formatTime, toRfc3339 } from './time.ts';
