import { printable, redact } from '@kube-rescue/errors';
import { baseName, type HostFiles, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { listUnitFiles, programName, splitWords } from '@kube-rescue/node-config';

/** A command that overwrites the kubeconfig of the kubelet at the start of the kubelet or the machine. */
export interface KubeconfigWriter {
  readonly code: 'KUBECONFIG_OVERWRITTEN_AT_START';
  /** `service-start`: at each start of the kubelet. `boot`: at the start or the installation of the machine. */
  readonly when: 'service-start' | 'boot';
  readonly file: HostPath;
  /** From 1. */
  readonly line: number;
  /** `FILE:LINE: TEXT`, safe to print. */
  readonly evidence: string;
  /** What the operator must do before the next start. */
  readonly hint: string;
}

type Files = Pick<HostFiles, 'readFile' | 'list' | 'stat'>;

/** The user data of cloud-init and Ignition. */
const BOOT_FILES = [
  '/var/lib/cloud/instance/user-data.txt',
  '/var/lib/cloud/instance/cloud-config.txt',
  '/var/lib/coreos-install/user_data',
  '/usr/share/oem/cloud-config.yml',
  '/usr/share/oem/config.ign',
  '/usr/share/oem/ignition/base.ign',
  '/run/ignition.json',
  '/etc/ignition/config.ign',
].map(hostPath);
const CLOUD_INSTANCES = hostPath('/var/lib/cloud/instances');
const MAX_BOOT_FILE_BYTES = 4 * 1024 * 1024;
const MAX_LINE_LENGTH = 200;

/** Programs that only read the path. */
const READERS = [
  'grep',
  'egrep',
  'awk',
  'gawk',
  'cat',
  'test',
  '[',
  '[[',
  'base64',
  'chmod',
  'chown',
  'ls',
  'stat',
  'kubectl',
  'head',
  'tail',
  'cut',
  'diff',
  'cmp',
  'rm',
  'mkdir',
  'echo',
];

/** Words before a program. */
const PREFIXES = ['sudo', '!', 'while', 'until', 'if', 'exec', 'do', 'then'];

/**
 * Finds the commands that overwrite the kubelet's kubeconfig when its service or the machine starts: commands before its start
 * (an S3 puller, curl, aws, cp), cloud-init and Ignition.
 *
 * Judges command lines by their words; does not read scripts. A line that only reads the kubeconfig does not count.
 * @param service name of the kubelet's service, with or without `.service`
 */
export async function findKubeconfigWriters(
  { kubeconfig, service }: { readonly kubeconfig: HostPath; readonly service: string },
  { host }: { readonly host: Files },
): Promise<readonly KubeconfigWriter[]> {
  const unit = service.endsWith('.service') ? service : `${service}.service`;
  const writers: KubeconfigWriter[] = [];
  for (const file of await listUnitFiles(unit, host)) {
    const text = await readText(file, host);
    for (const { line, content } of logicalLines(text ?? '')) {
      const command = /^\s*(?:ExecStartPre|ExecStart|ExecCondition)\s*=\s*[-+!@:]*(.+)$/.exec(content)?.[1];
      if (command === undefined || !writes(command, kubeconfig)) continue;
      writers.push(writerAt('service-start', file, line, content, kubeconfig));
    }
  }
  for (const file of await listBootFiles(host)) {
    const text = await readText(file, host);
    const lines = (text ?? '').split('\n');
    const index = lines.findIndex((content) => names(content, kubeconfig));
    if (index !== -1)
      writers.push(writerAt('boot', file, index + 1, around(lines[index] ?? '', kubeconfig), kubeconfig));
  }
  return writers;
}

function writerAt(
  when: KubeconfigWriter['when'],
  file: HostPath,
  line: number,
  content: string,
  kubeconfig: HostPath,
): KubeconfigWriter {
  const text = printable(redact(content.trim())).slice(0, MAX_LINE_LENGTH);
  const hint =
    when === 'service-start'
      ? `replace the kubeconfig at the source of that command, or remove the line from ${baseName(file)}; otherwise the next start of the kubelet restores the old ${kubeconfig}`
      : `put the new kubeconfig into the user data of the machine; otherwise its next boot may restore the old ${kubeconfig}`;
  return { code: 'KUBECONFIG_OVERWRITTEN_AT_START', when, file, line, evidence: `${file}:${line}: ${text}`, hint };
}

/** Whether a command line would change the file: it redirects output to it, or passes it to a program not in `READERS`. */
function writes(command: string, file: HostPath): boolean {
  if (!names(command, file)) return false;
  const inner = splitWords(command);
  const script = inner.find((word) => names(word, file) && /\s/.test(word));
  if (script !== undefined)
    return script.split(/;|&&|\|\|?|\n|\bdo\b|\bthen\b/).some((part) => writesPlainly(part, file));
  return writesPlainly(command, file);
}

function writesPlainly(command: string, file: HostPath): boolean {
  if (!names(command, file)) return false;
  const escaped = file.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  if (new RegExp(String.raw`>{1,2}\s*["']?${escaped}(?![\w./-])`).test(command)) return true;
  const words = splitWords(command);
  const [program = '', ...rest] = words.filter((word) => !/^\w+=/.test(word) && !PREFIXES.includes(word));
  const name = programName(program);
  if (name === 'sed' || name === 'perl') return rest.some((word) => /^-\w*i/.test(word) || word === '--in-place');
  if (READERS.includes(name)) return false;
  // Copying from it is reading it.
  if (['cp', 'mv', 'install', 'ln', 'scp', 'rsync', 'dd'].includes(name)) return rest.at(-1)?.endsWith(file) === true;
  return !rest.some((word) => word === `--kubeconfig=${file}`);
}

function names(text: string, file: HostPath): boolean {
  const at = text.indexOf(file);
  return at !== -1 && !/[\w./-]/.test(text[at + file.length] ?? ' ') && !/[\w.-]/.test(text[at - 1] ?? ' ');
}

/** Context on each side of the path: Ignition is one line of a megabyte. */
function around(line: string, file: HostPath): string {
  const at = line.indexOf(file);
  return line.length <= MAX_LINE_LENGTH ? line : line.slice(Math.max(0, at - 60), at + file.length + 60);
}

/** Lines joined with their continuations, by the number of the first. */
function logicalLines(text: string): readonly { readonly line: number; readonly content: string }[] {
  const found: { line: number; content: string }[] = [];
  let isContinued = false;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (/^\s*[#;]/.test(raw)) continue;
    const content = raw.replace(/\\$/, ' ');
    const last = found.at(-1);
    if (isContinued && last !== undefined) last.content += content;
    else found.push({ line: index + 1, content });
    isContinued = raw.endsWith('\\');
  }
  return found;
}

async function listBootFiles(host: Files): Promise<readonly HostPath[]> {
  const instances = (await host.list(CLOUD_INSTANCES)) ?? [];
  const current = await host.list(hostPath('/var/lib/cloud/instance'));
  // `instance` is a link to the newest instance.
  const others = current === undefined ? instances : [];
  return [...BOOT_FILES, ...others.map((name) => joinPath(CLOUD_INSTANCES, `./${name}`, 'user-data.txt'))];
}

async function readText(path: HostPath, host: Files): Promise<string | undefined> {
  const stat = await host.stat(path);
  if (stat?.kind !== 'file' || stat.size > MAX_BOOT_FILE_BYTES) return undefined;
  const bytes = await host.readFile(path);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
