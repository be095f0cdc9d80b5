/**
 * What a failure means for its caller: retry, use another source, or stop. Every error code has exactly one
 * kind, declared in the `errors.ts` of its package.
 *
 * - `unavailable`: nothing answers, or it answers that it cannot now. Nothing was done, and the same request may succeed
 *   later without a repair.
 * - `uncertain`: the request was sent and the answer was lost. A write may have been made: read first, then decide.
 * - `conflict`: the state is not the one that was read, or that the request assumes. Read again, then decide.
 * - `unreadable`: it is there, and what it says could not be found out.
 * - `denied`: these credentials or this user may not do it.
 * - `missing`: something that is needed does not exist.
 * - `invalid`: what was read is malformed, out of date or does not fit.
 * - `unsupported`: it is well-formed, and this version does not handle it.
 * - `blocked`: something else has to be fixed, or to end, first.
 * - `refused`: it is possible and was not done, by a safety rule or because the operator said no.
 * - `usage`: the request names what does not exist or asks for what is not offered.
 * - `interrupted`: the operator or a signal stopped it.
 * - `failed`: it was tried and did not work, for none of these reasons.
 */
export type ErrorKind =
  | 'unavailable'
  | 'uncertain'
  | 'conflict'
  | 'unreadable'
  | 'denied'
  | 'missing'
  | 'invalid'
  | 'unsupported'
  | 'blocked'
  | 'refused'
  | 'usage'
  | 'interrupted'
  | 'failed';

/** Whether something is known to be wrong after a failure of this kind, rather than nothing known at all. */
export const IS_KNOWN_WRONG: Readonly<Record<ErrorKind, boolean>> = {
  unavailable: false,
  uncertain: false,
  conflict: false,
  unreadable: false,
  denied: false,
  missing: true,
  invalid: true,
  unsupported: true,
  blocked: true,
  refused: true,
  usage: true,
  interrupted: false,
  failed: false,
};
