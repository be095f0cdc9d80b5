/** Seconds of each unit. */
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

const PART = /(\d{1,9}(?:\.\d{1,4})?)([smhdw])/gy;
const PLAIN = /^\d{1,9}(?:\.\d{1,4})?$/;

/**
 * Reads a duration: `90s`, `5m`, `72h`, `30d`, `1w`, or several units, `1h30m`.
 *
 * @param unit of a number without one
 * @returns seconds; `undefined` for anything else
 */
export function parseDuration(text: string, unit: 's' | 'd'): number | undefined {
  if (PLAIN.test(text)) return Number(text) * (UNITS[unit] ?? 1);
  const parts = [...text.matchAll(PART)];
  const length = parts.reduce((sum, [part]) => sum + part.length, 0);
  if (parts.length === 0 || length !== text.length) return undefined;
  return parts.reduce((sum, [, number, each = '']) => sum + Number(number) * (UNITS[each] ?? 0), 0);
}
