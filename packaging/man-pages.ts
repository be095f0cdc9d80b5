import type { ListedCommand, ListedFlag } from '../apps/cli/src/completion/listed-commands.ts';

export interface ManInput {
  readonly version: string;
  readonly description: string;
  readonly commands: readonly ListedCommand[];
  /** Seconds since 1970: the date in the footer. */
  readonly epoch: number;
  readonly exitCodes: readonly (readonly [number, string])[];
}

/** Pages of section 1 by file name: one of the program, one of each command. */
export function manPages(input: ManInput): ReadonlyMap<string, string> {
  const pages = input.commands.map((command) => [`${nameOf(command)}.1`, commandPage(command, input)] as const);
  return new Map([['kube-rescue.1', programPage(input)], ...pages]);
}

function programPage(input: ManInput): string {
  const { commands, description } = input;
  return [
    header('kube-rescue', input),
    section('NAME', `kube-rescue \\- ${text(description.replace(/\.$/, ''))}`),
    section('SYNOPSIS', '.B kube-rescue\n.I COMMAND\n[\\fIFLAGS\\fR]'),
    section(
      'DESCRIPTION',
      text(
        'Runs on the control-plane node, as root. It needs nothing else that works: no API server, no etcd, no network. With --root it works on a copy of a node\'s files. Start with "kube-rescue triage", then "kube-rescue recover".',
      ),
    ),
    section(
      'COMMANDS',
      commands
        .map((command) => entry(`\\fBkube-rescue ${text(command.words.join(' '))}\\fR`, text(command.summary)))
        .join('\n'),
    ),
    exitStatus(input),
    section('SEE ALSO', commands.map((command) => `.BR ${text(nameOf(command))} (1)`).join(',\n')),
  ].join('\n');
}

function commandPage(command: ListedCommand, input: ManInput): string {
  const { words, summary, description, examples, flags, args } = command;
  const usage = [
    `.B kube-rescue ${text(words.join(' '))}`,
    ...args.map(({ form }) => `.I ${text(form)}`),
    '[\\fIFLAGS\\fR]',
  ];
  const forms = flags.toSorted((a, b) => Number(a.helpGroup === 'GLOBAL') - Number(b.helpGroup === 'GLOBAL'));
  return [
    header(nameOf(command), input),
    section('NAME', `${text(nameOf(command))} \\- ${text(summary.replace(/\.$/, ''))}`),
    section('SYNOPSIS', usage.join('\n')),
    section('DESCRIPTION', text(description === '' ? summary : description)),
    ...(args.length === 0
      ? []
      : [
          section(
            'ARGUMENTS',
            args.map((each) => entry(`\\fI${text(each.form)}\\fR`, text(each.description))).join('\n'),
          ),
        ]),
    section('OPTIONS', forms.map((flag) => entry(formOf(flag), describe(flag))).join('\n')),
    ...(examples.length === 0
      ? []
      : [section('EXAMPLES', examples.map((each) => `.nf\n${text(each)}\n.fi`).join('\n.PP\n'))]),
    exitStatus(input),
    section('SEE ALSO', '.BR kube-rescue (1)'),
  ].join('\n');
}

function nameOf({ words }: ListedCommand): string {
  return ['kube-rescue', ...words].join('-');
}

function header(name: string, { version, epoch }: ManInput): string {
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  return `.TH "${name.toUpperCase()}" "1" "${date}" "kube-rescue ${version}" "kube-rescue"`;
}

function section(title: string, body: string): string {
  return `.SH ${title}\n${body}`;
}

function entry(term: string, body: string): string {
  return `.TP\n${term}\n${body}`;
}

function formOf({ char, name, type, helpValue, options }: ListedFlag): string {
  const short = char === undefined ? '' : `\\fB\\-${char}\\fR, `;
  const value = type === 'boolean' ? '' : ` \\fI${text(options?.join('|') ?? helpValue ?? 'VALUE')}\\fR`;
  return `${short}\\fB${text(`--${name}`)}\\fR${value}`;
}

function describe(flag: ListedFlag): string {
  const body = text(flag.description ?? '');
  return (flag.default ?? undefined) === undefined || flag.type === 'boolean'
    ? body
    : `${body} (default: ${text(String(flag.default))})`;
}

function exitStatus({ exitCodes }: ManInput): string {
  return section('EXIT STATUS', exitCodes.map(([code, meaning]) => entry(`\\fB${code}\\fR`, text(meaning))).join('\n'));
}

/** Text that roff prints as it is. */
function text(raw: string): string {
  const escaped = raw.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  // A line that begins with a dot or an apostrophe would be a request.
  return escaped.replaceAll(/^([.'])/gm, '\\&$1');
}
