import type { HostPath } from '@kube-rescue/host';
import type { Json } from '@kube-rescue/workflow';

/** Not part of a run's identity: how it is confirmed and shown, where it is found, what decrypts its backup. */
const PRESENT_ONLY = [
  ...[
    'json',
    'output',
    'no-color',
    'output-file',
    'out',
    'exit-zero',
    'verbose',
    'root',
    'yes',
    'dry-run',
    'resume',
    'force',
  ],
  'backup-identity',
];
/** Recorded by digest among the inputs. */
const DIGEST_ONLY = ['plan'];
/** Values that may be secret. */
const SECRET = ['set'];
const NOT_RECORDED = new Set([...PRESENT_ONLY, ...DIGEST_ONLY, ...SECRET]);

/** Paths on the operator's machine, relative to the working directory when they are typed. */
const PATHS = new Set([
  ...['certs', 'cas', 'aws-credentials', 'service-command', 'ssh-identity', 'ssh-known-hosts'],
  ...['file', 'patch-file', 'cacert', 'cert', 'key', 'rotated-set'],
]);
/** Means the standard input. */
const STANDARD_INPUT = '-';

/** What is recorded of the flags of a run: their values, absolute paths, no secrets. */
export function recordFlags(
  flags: Readonly<Record<string, unknown>>,
  toPath: (text: string) => HostPath,
): Readonly<Record<string, Json>> {
  const recorded = Object.entries(flags).flatMap(([name, value]): [string, Json][] => {
    if (NOT_RECORDED.has(name) || !isRecordable(value)) return [];
    const isPath = PATHS.has(name) && typeof value === 'string' && value !== STANDARD_INPUT;
    return [[name, isPath ? toPath(value) : value]];
  });
  return Object.fromEntries(recorded);
}

/** The part of a flag's definition that decides how it is written. */
export interface FlagForm {
  readonly type: 'boolean' | 'option';
  readonly allowNo?: boolean;
  /** Former names, which older runs recorded. */
  readonly aliases?: readonly string[] | undefined;
}

/** The words that give recorded flags their values again. Flags that this version does not have are omitted. */
export function toFlagWords(
  recorded: Readonly<Record<string, Json>>,
  forms: Readonly<Record<string, FlagForm>>,
): readonly string[] {
  return Object.entries(recorded).flatMap(([name, value]) => {
    const form = formOf(name, forms);
    if (form === undefined || NOT_RECORDED.has(name)) return [];
    if (typeof value === 'boolean') return value ? [`--${name}`] : form.allowNo === true ? [`--no-${name}`] : [];
    const values = Array.isArray(value) ? (value as readonly Json[]) : [value];
    return values.map((each) => `--${name}=${String(each as string | number)}`);
  });
}

function formOf(name: string, forms: Readonly<Record<string, FlagForm>>): FlagForm | undefined {
  return forms[name] ?? Object.values(forms).find(({ aliases }) => aliases?.includes(name) === true);
}

/** The flags that are not part of a run's identity, as words: they hold for the present command line only. */
export function toPresentWords(
  given: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
): readonly string[] {
  return PRESENT_ONLY.filter((name) => names.has(name)).flatMap((name) => {
    const value = given[name];
    if (value === true) return [`--${name}`];
    return typeof value === 'string' ? [`--${name}=${value}`] : [];
  });
}

function isRecordable(value: unknown): value is Json {
  if (Array.isArray(value)) return value.every((each) => typeof each === 'string');
  return ['string', 'number', 'boolean'].includes(typeof value);
}
