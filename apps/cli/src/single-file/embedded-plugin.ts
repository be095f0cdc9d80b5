import type { Command, Interfaces } from '@oclif/core';

/** What `oclif.manifest.json` holds: every command with its flags, without its code. */
interface CommandManifest {
  readonly version: string;
  readonly commands: Readonly<Record<string, Command.Cached>>;
}

/** Loads the code of a command. */
type LoadCommand = () => Promise<{ readonly default: Command.Class }>;

/** A command line without files: what oclif otherwise finds in the directory of a package. */
export interface EmbeddedCommandLine {
  readonly pjson: Interfaces.PJSON;
  readonly manifest: CommandManifest;
  /** By command id, as in the manifest. */
  readonly commands: Readonly<Record<string, LoadCommand>>;
}

/**
 * The commands as a plugin of oclif, which reads no directory. oclif's own class finds commands by pattern, which a single file
 * cannot have.
 *
 * @throws Error for a command of the manifest without code
 */
export function createEmbeddedPlugin(
  { pjson, manifest, commands }: EmbeddedCommandLine,
  root: string,
): Interfaces.Plugin {
  const plugin: Interfaces.Plugin = {
    _base: `${pjson.name}@${pjson.version}`,
    alias: pjson.name,
    name: pjson.name,
    version: pjson.version,
    pjson,
    root,
    type: 'core',
    isRoot: true,
    valid: true,
    hasManifest: true,
    moduleType: 'module',
    hooks: {},
    options: { root, isRoot: true },
    commandsDir: undefined,
    commandIDs: Object.keys(manifest.commands),
    commands: Object.entries(manifest.commands).map(([id, cached]) => ({
      ...cached,
      pluginAlias: pjson.name,
      pluginType: 'core',
      load: () => load(id),
    })),
    topics: Object.entries(pjson.oclif.topics ?? {}).map(([name, topic]) => ({ ...topic, name })),
    findCommand: (id: string) => load(id),
    load: async () => undefined,
  };
  async function load(id: string): Promise<Command.Class> {
    const found = commands[id];
    if (found === undefined) throw new Error(`the command ${id} is not in this file`);
    const { default: command } = await found();
    command.id = id;
    command.plugin = plugin;
    return command;
  }
  return plugin;
}
