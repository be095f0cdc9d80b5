/**
 * A time for text that an operator reads: `2026-11-27 15:40:01 UTC`. Fractions of a second are dropped.
 *
 * @param time an invalid one gives `an invalid time`, because a message must not fail
 */
export function formatTime(time: Date): string {
  if (Number.isNaN(time.getTime())) return 'an invalid time';
  return toRfc3339(time).replace('T', ' ').replace('Z', ' UTC');
}

/**
 * A time for JSON: RFC 3339 in UTC without fractions of a second, `2026-11-27T15:40:01Z`.
 *
 * @throws RangeError for an invalid time, as `Date.toISOString` does
 */
export function toRfc3339(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
