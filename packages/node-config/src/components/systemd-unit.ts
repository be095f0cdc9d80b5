import { isRecoveryError } from '@kube-rescue/errors';
import { baseName, type HostFiles, type HostPath, hostPath, joinPath } from '@kube-rescue/host';

/** Unit directories of systemd, highest priority first: systemd.unit(5). */
export const UNIT_DIRECTORIES = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map((top) =>
  hostPath(`${top}/systemd/system`),
);

/** How systemd would start a service, by its files. */
export interface ServiceCommand {
  /** The program and its arguments, with expanded variables. */
  readonly argv: readonly string[];
  /** The file of the effective `ExecStart=`. */
  readonly source: HostPath;
  /** The environment of `Environment=` and `EnvironmentFile=`. */
  readonly environment: ReadonlyMap<string, string>;
  /** Every file that was read. */
  readonly files: readonly HostPath[];
}

/**
 * Reads the command line of a service from its unit file, its drop-ins and their environment files, without systemd.
 *
 * Covers what units of Kubernetes use: `ExecStart=`, `Environment=`, `EnvironmentFile=`, quotes, `$NAME` and `${NAME}`;
 * specifiers (`%H`) stay as they are.
 * @returns `undefined` when the unit is missing, or starts nothing
 */
export async function readServiceCommand(
  unit: string,
  { host }: { readonly host: Pick<HostFiles, 'readFile' | 'list'> },
): Promise<ServiceCommand | undefined> {
  const files: HostPath[] = [];
  const environment = new Map<string, string>();
  const fromFiles = new Map<string, string>();
  let command: { readonly words: readonly string[]; readonly source: HostPath } | undefined;
  for (const path of await listUnitFiles(unit, host)) {
    const text = await readText(path, host);
    if (text === undefined) continue;
    files.push(path);
    for (const [name, value] of readSettings(text)) {
      // An empty setting resets earlier ones.
      if (name === 'ExecStart') command = value === '' ? undefined : { words: splitWords(value), source: path };
      if (name === 'Environment') for (const assignment of splitWords(value)) assign(environment, assignment);
      if (name === 'EnvironmentFile' && value !== '') {
        const environmentFile = hostPath(value.replace(/^-/, ''));
        const content = await readText(environmentFile, host);
        if (content === undefined) continue;
        files.push(environmentFile);
        for (const [key, variable] of readEnvironmentFile(content)) fromFiles.set(key, variable);
      }
    }
  }
  if (command === undefined) return undefined;
  const variables = new Map([...environment, ...fromFiles]);
  const argv = command.words.flatMap((word) => expand(word, variables));
  return { argv, source: command.source, environment: variables, files };
}

/** `NAME=value` lines, quoted or not: systemd.exec(5), EnvironmentFile. */
export function readEnvironmentFile(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const [, name = '', value = ''] of joinLines(text).matchAll(/^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/gm)) {
    variables.set(name, value.trim().replace(/^(["'])([\s\S]*)\1$/, '$2'));
  }
  return variables;
}

/** Splits at blanks outside quotes. */
export function splitWords(text: string): readonly string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'])+/g) ?? [];
  return words.map((word) =>
    word.replace(
      /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g,
      (_, double?: string, single?: string, escaped?: string) =>
        double?.replace(/\\(.)/g, '$1') ?? single ?? escaped ?? '',
    ),
  );
}

/** The unit file, then its drop-ins in order. */
export async function listUnitFiles(
  unit: string,
  host: Pick<HostFiles, 'readFile' | 'list'>,
): Promise<readonly HostPath[]> {
  const dropIns = new Map<string, HostPath>();
  for (const folder of UNIT_DIRECTORIES) {
    const dropInFolder = joinPath(folder, `${unit}.d`);
    for (const name of (await host.list(dropInFolder)) ?? []) {
      if (name.endsWith('.conf') && !dropIns.has(name)) dropIns.set(name, joinPath(dropInFolder, name));
    }
  }
  const sorted = [...dropIns.values()].toSorted((a, b) => (baseName(a) < baseName(b) ? -1 : 1));
  for (const folder of UNIT_DIRECTORIES) {
    const path = joinPath(folder, unit);
    if ((await readText(path, host)) !== undefined) return [path, ...sorted];
  }
  return [];
}

function readSettings(text: string): readonly (readonly [name: string, value: string])[] {
  let section = '';
  const settings: (readonly [string, string])[] = [];
  for (const line of joinLines(text).split(/\r?\n/)) {
    section = /^\s*\[(.*)\]\s*$/.exec(line)?.[1] ?? section;
    const setting = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (section === 'Service' && setting?.[1] !== undefined) settings.push([setting[1], setting[2] ?? '']);
  }
  return settings;
}

function joinLines(text: string): string {
  return text.replace(/^\s*[#;].*\r?\n?/gm, '').replace(/\\\r?\n/g, ' ');
}

function assign(variables: Map<string, string>, assignment: string): void {
  const equals = assignment.indexOf('=');
  if (equals > 0) variables.set(assignment.slice(0, equals), assignment.slice(equals + 1));
}

/** A separate `$NAME` becomes any number of words, `${NAME}` always stays within its word: systemd.service(5). */
function expand(word: string, variables: ReadonlyMap<string, string>): readonly string[] {
  const alone = /^\$([A-Za-z_]\w*)$/.exec(word)?.[1];
  if (alone !== undefined) return splitWords(variables.get(alone) ?? '');
  return [word.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => variables.get(name) ?? '')];
}

async function readText(path: HostPath, host: Pick<HostFiles, 'readFile'>): Promise<string | undefined> {
  try {
    const bytes = await host.readFile(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  } catch (error) {
    // Masked: a link to /dev/null.
    if (isRecoveryError(error, 'HOST_NOT_A_REGULAR_FILE')) return undefined;
    throw error;
  }
}
