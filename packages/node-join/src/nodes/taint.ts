import { JoinError } from '../errors.ts';

/** A taint of a node. */
export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** Qualified names and label values: apimachinery, `validation.go`. */
const NAME = '[A-Za-z0-9](?:[\\w.-]{0,61}[A-Za-z0-9])?';
const KEY = new RegExp(`^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?${NAME}$`);
const VALUE = new RegExp(`^(?:${NAME})?$`);
const EFFECTS: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] satisfies readonly Taint['effect'][];

/**
 * Parses `KEY[=VALUE]:EFFECT`, the format of kubectl and of `--register-with-taints`.
 * @throws JoinError `JOIN_TAINT_INVALID`
 */
export function parseTaint(text: string): Taint {
  const [, key = '', value, effect = ''] = /^([^=:]+)(?:=([^:]*))?:([A-Za-z]+)$/.exec(text) ?? [];
  if (KEY.test(key) && VALUE.test(value ?? '') && EFFECTS.includes(effect)) {
    return { key, ...(value === undefined || value === '' ? {} : { value }), effect: effect as Taint['effect'] };
  }
  throw new JoinError({
    code: 'JOIN_TAINT_INVALID',
    message: 'this is not a taint',
    subject: text === '' ? 'an empty text' : text,
    hint: 'write KEY[=VALUE]:EFFECT, for example node-role.kubernetes.io/master:NoSchedule',
  });
}

/**
 * Parses `KEY[=VALUE]`, the format of `--node-labels`; the default value is empty.
 * @throws JoinError `JOIN_LABEL_INVALID`
 */
export function parseLabel(text: string): readonly [key: string, value: string] {
  const [, key = '', value = ''] = /^([^=]+)(?:=(.*))?$/.exec(text) ?? [];
  if (KEY.test(key) && VALUE.test(value)) return [key, value];
  throw new JoinError({
    code: 'JOIN_LABEL_INVALID',
    message: 'this is not a label',
    subject: text === '' ? 'an empty text' : text,
    hint: 'write KEY[=VALUE], for example node-role.kubernetes.io/master',
  });
}

/** `KEY[=VALUE]:EFFECT` */
export function formatTaint({ key, value, effect }: Taint): string {
  return `${key}${value === undefined ? '' : `=${value}`}:${effect}`;
}

/** Taints with the same key and effect exclude each other. */
export function isSameLocation(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}
