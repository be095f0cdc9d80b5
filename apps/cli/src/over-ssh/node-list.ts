import { hostPath, type HostPath, joinPath, parentPath, type SshHostOptions, type SshJump } from '@kube-rescue/host';
import { parseYamlDocuments, readWithoutAliases } from '@kube-rescue/node-config';
import { CliError } from '../errors.ts';
import type { SshFlags } from '../nodes/ssh-flags.ts';
import type { LocalFiles } from '../local-files.ts';

/** A control-plane node and how to reach it. Plain data without secrets; `null` leaves it to `ssh`. */
export interface ListedNode {
  /** In every message. */
  readonly name: string;
  readonly address: string;
  readonly user: string | null;
  readonly port: number | null;
  readonly identityFile: string | null;
  readonly knownHostsFile: string | null;
  /** `[USER@]HOST[:PORT]`. */
  readonly jump: string | null;
  readonly sudo: boolean;
}

export interface NodeListFlags extends Omit<SshFlags, 'ssh-service-command' | 'ssh-sudo'> {
  /** oclif leaves a boolean out that was not given. */
  readonly 'ssh-sudo'?: boolean | undefined;
  readonly nodes: string | undefined;
  readonly 'nodes-file': string | undefined;
  readonly 'ssh-jump': string | undefined;
}

const NAME = /^[A-Za-z0-9][\w.-]{0,252}$/;
const FIELDS = ['name', 'address', 'user', 'port', 'identityFile', 'knownHostsFile', 'jump', 'sudo'];
const LAST_PORT = 65_535;

/**
 * The nodes of `--nodes` or `--nodes-file`. A flag `--ssh-…` is the default of each entry of the file.
 * @throws CliError `NODES_INVALID` with every fault of the list
 */
export async function readNodeList(flags: NodeListFlags, files: LocalFiles): Promise<readonly ListedNode[]> {
  const file = (path: string | undefined): string | null => (path === undefined ? null : files.path(path));
  const defaults = {
    user: flags['ssh-user'] ?? null,
    port: flags['ssh-port'] ?? null,
    identityFile: file(flags['ssh-identity']),
    knownHostsFile: file(flags['ssh-known-hosts']),
    jump: flags['ssh-jump'] ?? null,
    sudo: flags['ssh-sudo'] ?? false,
  };
  const path = flags['nodes-file'];
  const nodes =
    path === undefined
      ? parseNames(flags.nodes ?? '', defaults)
      : await readFileOf(files.path(path), defaults, files.host);
  return assertDistinct(nodes, path ?? '--nodes');
}

type Defaults = Omit<ListedNode, 'name' | 'address'>;

function parseNames(text: string, defaults: Defaults): readonly ListedNode[] {
  return text.split(',').map((each) => {
    const word = each.trim();
    const at = word.lastIndexOf('@');
    const address = word.slice(at + 1);
    return { ...defaults, name: address, address, user: at > 0 ? word.slice(0, at) : defaults.user };
  });
}

async function readFileOf(
  path: HostPath,
  defaults: Defaults,
  host: Pick<LocalFiles['host'], 'readFile'>,
): Promise<readonly ListedNode[]> {
  const bytes = await host.readFile(path);
  if (bytes === undefined) throw invalid(path, ['no such file']);
  const documents = parseYamlDocuments(new TextDecoder().decode(bytes));
  const [document] = documents;
  if (document === undefined || documents.length > 1 || document.errors.length > 0) {
    throw invalid(path, ['it is not one YAML document']);
  }
  const value = readWithoutAliases(document);
  if (!Array.isArray(value)) throw invalid(path, ['it is not a list of nodes']);
  const faults: string[] = [];
  const nodes = value.map((entry: unknown, index) => toNode(entry, { index, path, defaults, faults }));
  if (faults.length > 0) throw invalid(path, faults);
  return nodes;
}

function toNode(
  entry: unknown,
  {
    index,
    path,
    defaults,
    faults,
  }: { readonly index: number; readonly path: HostPath; readonly defaults: Defaults; readonly faults: string[] },
): ListedNode {
  const which = `entry ${index + 1}`;
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    faults.push(`${which} is not a map with name and address`);
    return { ...defaults, name: '', address: '' };
  }
  const fields = entry as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(fields)) {
    if (!FIELDS.includes(name)) faults.push(`${which} has the unknown field ${name}`);
  }
  const text = (name: string, otherwise: string | null): string | null => {
    const value = fields[name] ?? otherwise;
    if (value === null || (typeof value === 'string' && value !== '')) return value;
    faults.push(`${name} of ${which} is not a text`);
    return otherwise;
  };
  const file = (name: 'identityFile' | 'knownHostsFile'): string | null => {
    const value = text(name, defaults[name]);
    return value === null || value.startsWith('/') ? value : joinPath(parentPath(path), value);
  };
  const port = fields['port'] ?? defaults.port;
  if (port !== null && !(typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= LAST_PORT)) {
    faults.push(`port of ${which} is not a port`);
  }
  const sudo = fields['sudo'] ?? defaults.sudo;
  if (typeof sudo !== 'boolean') faults.push(`sudo of ${which} is neither true nor false`);
  const address = text('address', null) ?? text('name', null);
  if (address === null) faults.push(`${which} has no address`);
  return {
    name: text('name', address) ?? '',
    address: address ?? '',
    user: text('user', defaults.user),
    port: typeof port === 'number' ? port : null,
    identityFile: file('identityFile'),
    knownHostsFile: file('knownHostsFile'),
    jump: text('jump', defaults.jump),
    sudo: sudo === true,
  };
}

function assertDistinct(nodes: readonly ListedNode[], subject: string): readonly ListedNode[] {
  const names = nodes.map(({ name }) => name);
  const faults = [
    ...names.filter((name) => !NAME.test(name)).map((name) => `${JSON.stringify(name)} is not the name of a node`),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is named twice`),
  ];
  if (faults.length > 0) throw invalid(subject, faults);
  return nodes;
}

function invalid(subject: string, reasons: readonly string[]): CliError {
  return new CliError({
    code: 'NODES_INVALID',
    message: 'the list of nodes is invalid',
    reasons,
    subject,
    hint: 'write --nodes cp1,cp2,cp3, or --nodes-file with a YAML list of name, address, user, port, identityFile, jump, sudo',
  });
}

/** @throws HostError `HOST_PATH_INVALID` later, for an address that ssh would not take */
export function sshOptionsOf(node: ListedNode): SshHostOptions {
  const path = (text: string | null): HostPath | undefined => (text === null ? undefined : hostPath(text));
  return {
    address: node.address,
    port: node.port ?? undefined,
    user: node.user ?? undefined,
    identityFile: path(node.identityFile),
    knownHostsFile: path(node.knownHostsFile),
    sudo: node.sudo,
    jump: node.jump === null ? undefined : parseJump(node.jump),
  };
}

function parseJump(text: string): SshJump {
  const at = text.lastIndexOf('@');
  const [, address = text.slice(at + 1), port] = /^(.*):(\d{1,5})$/.exec(text.slice(at + 1)) ?? [];
  return {
    address,
    user: at > 0 ? text.slice(0, at) : undefined,
    port: port === undefined ? undefined : Number(port),
  };
}
