export { describeError, isRecoveryError, RecoveryError, type RecoveryErrorDetails } from './recovery-error.ts';
export { printable, redact } from './redact.ts';
export { formatTime, toRfc3339 } from './time.ts';
