import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { FieldsV1, IntOrString, MicroTime, Quantity, Time } from '../generated/kubernetes/meta_pb.ts';
import type { ExtraValue } from '../generated/kubernetes/certificates_pb.ts';
import { FieldMismatch } from './field-mismatch.ts';

/** A message with a plain value in JSON. */
interface WrappedValue<M extends Message> {
  toJson(message: M): unknown;
  /** Writes into the existing message, which keeps its unknown fields. */
  write(message: M, json: unknown, at: string): void;
}

const time: WrappedValue<Time> = {
  toJson: ({ seconds, nanos }) => (seconds === 0n && nanos === 0 ? null : `${textOf(seconds)}Z`),
  write(message, json, at) {
    message.seconds = BigInt(Math.floor(instantOf(json, at) / 1000));
    message.nanos = 0;
  },
};

const microTime: WrappedValue<MicroTime> = {
  toJson: ({ seconds, nanos }) =>
    seconds === 0n && nanos === 0 ? null : `${textOf(seconds)}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`,
  write(message, json, at) {
    message.seconds = BigInt(Math.floor(instantOf(json, at) / 1000));
    const fraction = /\.(\d{1,9})/.exec(String(json))?.[1] ?? '';
    message.nanos = Number(fraction.slice(0, 6).padEnd(6, '0')) * 1000;
  },
};

const quantity: WrappedValue<Quantity> = {
  toJson: ({ string }) => string,
  write(message, json, at) {
    if (typeof json !== 'string' && typeof json !== 'number') throw new FieldMismatch(at, 'is not a quantity');
    message.string = String(json);
  },
};

/** `type` 0 is a number, 1 a string. */
const intOrString: WrappedValue<IntOrString> = {
  toJson: ({ type, intVal, strVal }) => (type === 0n ? intVal : strVal),
  write(message, json, at) {
    if (typeof json === 'string') Object.assign(message, { type: 1n, intVal: 0, strVal: json });
    else if (typeof json === 'number' && json === (json | 0))
      Object.assign(message, { type: 0n, intVal: json, strVal: '' });
    else throw new FieldMismatch(at, 'is neither an integer nor a string');
  },
};

const fieldsV1: WrappedValue<FieldsV1> = {
  toJson({ Raw }) {
    if (Raw.length === 0) return null;
    try {
      return JSON.parse(Buffer.from(Raw).toString()) as unknown;
    } catch {
      return null;
    }
  },
  write(message, json) {
    message.Raw = new Uint8Array(Buffer.from(JSON.stringify(json)));
  },
};

const extraValue: WrappedValue<ExtraValue> = {
  toJson: ({ items }) => [...items],
  write(message, json, at) {
    if (!Array.isArray(json) || !json.every((item) => typeof item === 'string')) {
      throw new FieldMismatch(at, 'is not a list of strings');
    }
    message.items = json;
  },
};

const WRAPPED: Readonly<Record<string, unknown>> = {
  Time: time,
  MicroTime: microTime,
  Quantity: quantity,
  IntOrString: intOrString,
  FieldsV1: fieldsV1,
  ExtraValue: extraValue,
};

/** JSON mapping of a message with a plain value in JSON; `undefined` for every other message. */
export function wrappedValue(message: DescMessage): WrappedValue<Message> | undefined {
  // The table is keyed by the message names of its entries.
  return Object.hasOwn(WRAPPED, message.name) ? (WRAPPED[message.name] as WrappedValue<Message>) : undefined;
}

function textOf(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? '0001-01-01T00:00:00' : date.toISOString().slice(0, 19);
}

function instantOf(json: unknown, at: string): number {
  const isTime = typeof json === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(json);
  const instant = isTime ? Date.parse(json) : Number.NaN;
  if (Number.isNaN(instant)) throw new FieldMismatch(at, 'is not an RFC 3339 time');
  return instant;
}
