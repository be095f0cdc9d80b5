/** The CNI plugin `flannel`: turns flannel's subnet.env into the configuration of the bridge plugin, and runs that. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FlannelConfig, renderDelegate } from './delegate.ts';
import { parseSubnetEnv, type SubnetEnv } from './subnet-env.ts';

/** Debian's containernetworking-plugins; searched after the directories of the runtime. */
const DEBIAN_PLUGINS = '/usr/lib/cni';
const SUPPORTED_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0'];
/** The error codes of the CNI specification: plugin-specific codes begin at 100. */
const PLUGIN_FAILED = 100;

const input = readFileSync(0, 'utf8');
const command = process.env['CNI_COMMAND'];
try {
  if (command === 'VERSION') {
    print({ cniVersion: '0.4.0', supportedVersions: SUPPORTED_VERSIONS });
  } else if (command === 'ADD') {
    add(JSON.parse(input) as FlannelConfig);
  } else if (command === 'DEL') {
    remove(JSON.parse(input) as FlannelConfig);
  } else if (command !== 'CHECK') {
    // CHECK succeeds, as in flannel's own plugin.
    throw new Error(`unknown CNI_COMMAND: ${command ?? ''}`);
  }
} catch (error) {
  print({ cniVersion: '0.4.0', code: PLUGIN_FAILED, msg: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}

function add(config: FlannelConfig): void {
  const delegate = JSON.stringify(
    renderDelegate(config, loadSubnetEnv(config.subnetFile ?? '/run/flannel/subnet.env')),
  );
  const { directory, path } = scratch(config);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // DEL must use the configuration of ADD; subnet.env may have changed since.
  writeFileSync(path, delegate, { mode: 0o600 });
  runDelegate(delegate);
}

function remove(config: FlannelConfig): void {
  const { path } = scratch(config);
  let delegate: string;
  try {
    delegate = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  runDelegate(delegate);
  rmSync(path, { force: true });
}

function scratch({ dataDir = '/var/lib/cni/flannel' }: FlannelConfig): {
  readonly directory: string;
  readonly path: string;
} {
  return { directory: dataDir, path: join(dataDir, process.env['CNI_CONTAINERID'] ?? '') };
}

function loadSubnetEnv(path: string): SubnetEnv {
  const refusal = "failed to load flannel 'subnet.env' file";
  const hint = 'Check the flannel pod log for this node.';
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `open ${path}: no such file or directory` : message;
    throw new Error(`${refusal}: ${reason}. ${hint}`, { cause: error });
  }
  try {
    return parseSubnetEnv(text, path);
  } catch (error) {
    throw new Error(`${refusal}: ${(error as Error).message}. ${hint}`, { cause: error });
  }
}

/** Runs the plugin that the configuration names and prints its output. */
function runDelegate(config: string): void {
  const { type } = JSON.parse(config) as { type: string };
  const directories = [
    ...(process.env['CNI_PATH'] ?? '').split(':').filter((directory) => directory !== ''),
    DEBIAN_PLUGINS,
  ];
  const program = directories.map((directory) => join(directory, type)).find(isExecutable);
  if (program === undefined) throw new Error(`failed to find plugin "${type}" in path [${directories.join(' ')}]`);
  const { status, stdout, error } = spawnSync(program, {
    input: config,
    env: { ...process.env, CNI_PATH: directories.join(':') },
    stdio: ['pipe', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  process.stdout.write(stdout);
  if (status === 0) return;
  if (stdout === '') throw new Error(`failed to delegate: netplugin ${type} ended with status ${String(status)}`);
  process.exitCode = 1;
  if (command === 'DEL') process.exit(1);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function print(document: object): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
