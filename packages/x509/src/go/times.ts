import { type DerReader } from './der-reader.ts';
import { refuse } from './rules.ts';

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const UTC = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{4})$/;
const GENERALIZED = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(Z|[+-]\d{4})$/;

/** Minutes east of UTC; a zero offset must be written `Z`. */
function offsetOf(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))];
  if (hours > 23 || minutes > 59 || hours + minutes === 0) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** `undefined` for a day or a time of day that does not exist. */
function timeOf(year: number, fields: readonly (string | undefined)[]): Date | undefined {
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields.slice(0, 5).map((field) => Number(field ?? 0));
  const offset = offsetOf(fields[5] ?? '');
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || offset === undefined) return undefined;
  date.setUTCHours(hour, minute, second);
  return new Date(date.getTime() - offset * 60_000);
}

/** A UTCTime of 1950 to 2049; Go allows it without seconds and with an offset. */
function readUtcTime(text: string): Date | undefined {
  const fields = UTC.exec(text);
  if (fields === null) return undefined;
  const short = Number(fields[1]);
  return timeOf(short >= 50 ? 1900 + short : 2000 + short, fields.slice(2));
}

function readGeneralizedTime(text: string): Date | undefined {
  const fields = GENERALIZED.exec(text);
  return fields === null ? undefined : timeOf(Number(fields[1]), fields.slice(2));
}

/** The next UTCTime or GeneralizedTime, without fractions of a second; refuses what Go does not parse. */
export function readTime(reader: DerReader): Date {
  const { tag, content } = reader.readAny();
  const text = Buffer.from(content).toString('latin1');
  const time = tag === UTC_TIME ? readUtcTime(text) : tag === GENERALIZED_TIME ? readGeneralizedTime(text) : undefined;
  return time ?? refuse('time-malformed');
}
