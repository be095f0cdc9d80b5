/** A flag as `oclif.manifest.json` lists it. */
interface ManifestFlag {
  readonly name: string;
  readonly char?: string | undefined;
  readonly type: 'boolean' | 'option';
  readonly description?: string | undefined;
  readonly helpValue?: string | string[] | undefined;
  readonly helpGroup?: string | undefined;
  readonly options?: readonly string[] | undefined;
  readonly default?: unknown;
  readonly hidden?: boolean | undefined;
  readonly multiple?: boolean | undefined;
  readonly required?: boolean | undefined;
}

/** A flag with one name for its value. */
export type ListedFlag = Omit<ManifestFlag, 'helpValue'> & { readonly helpValue?: string | undefined };

/** A command as `oclif.manifest.json` lists it. */
export interface ManifestCommand {
  readonly summary?: string | undefined;
  readonly description?: string | undefined;
  readonly examples?: readonly (string | { readonly command: string })[] | undefined;
  readonly flags: Readonly<Record<string, ManifestFlag>>;
  readonly args: Readonly<
    Record<
      string,
      { readonly name: string; readonly description?: string | undefined; readonly required?: boolean | undefined }
    >
  >;
  readonly hidden?: boolean | undefined;
}

/** A command with what the operator types. */
export interface ListedCommand {
  /** `certs check`. */
  readonly words: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly string[];
  readonly flags: readonly ListedFlag[];
  /** `TARGET`, or `[RUN]` where it may be left out. */
  readonly args: readonly { readonly form: string; readonly description: string }[];
}

/** The commands that help shows, sorted. */
export function listCommands(commands: Readonly<Record<string, ManifestCommand>>): readonly ListedCommand[] {
  return Object.entries(commands)
    .filter(([, { hidden }]) => hidden !== true)
    .map(([id, command]) => ({
      words: id.split(':'),
      summary: command.summary ?? '',
      description: command.description ?? '',
      examples: (command.examples ?? []).map((each) =>
        (typeof each === 'string' ? each : each.command).replaceAll('<%= config.bin %>', 'kube-rescue'),
      ),
      flags: Object.values(command.flags)
        .filter(({ hidden }) => hidden !== true)
        .map((flag) => ({ ...flag, helpValue: [flag.helpValue ?? []].flat()[0] })),
      args: Object.values(command.args).map(({ name, description, required }) => ({
        form: required === true ? name.toUpperCase() : `[${name.toUpperCase()}]`,
        description: description ?? '',
      })),
    }))
    .toSorted((a, b) => compare(a.words.join(' '), b.words.join(' ')));
}

/** Every word that can follow these words: commands and topics. */
export function nextWords(commands: readonly ListedCommand[], words: readonly string[]): readonly string[] {
  const next = commands
    .filter((command) => command.words.length > words.length && words.every((word, at) => command.words[at] === word))
    .map((command) => command.words[words.length] ?? '');
  return [...new Set(next)].toSorted(compare);
}

/** Every topic and the root, as the words in front of the next word. */
export function topicsOf(commands: readonly ListedCommand[]): readonly (readonly string[])[] {
  const topics = commands.flatMap(({ words }) => words.map((_word, at) => words.slice(0, at).join(' ')));
  return [...new Set(topics)].toSorted(compare).map((topic) => (topic === '' ? [] : topic.split(' ')));
}

/** How a flag's value is completed. */
export function valueOf(flag: ListedFlag): 'none' | 'choice' | 'directory' | 'file' | 'other' {
  if (flag.type === 'boolean') return 'none';
  if (flag.options !== undefined) return 'choice';
  if (flag.helpValue === 'DIR') return 'directory';
  return flag.helpValue === 'FILE' || flag.helpValue === 'PROGRAM' ? 'file' : 'other';
}

/** By code unit: no locale of the machine changes the order. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
