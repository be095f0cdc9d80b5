import type { Config } from '@oclif/core/config';
import { normalizeArgv } from '@oclif/core/help';
import { helpAddition, run } from '@oclif/core/run';
import { setFlagsFromString } from 'node:v8';
import { isKubectlPlugin, manifestForKubectl, runCommandLine } from '../command-line-run.ts';
import HelpWithExitCodes from '../help.ts';
import { createEmbeddedPlugin, type EmbeddedCommandLine } from './embedded-plugin.ts';

/** There is no directory: oclif only joins it to names of files that it does not read. */
const NO_DIRECTORY = '/';

/**
 * Runs kube-rescue as a single executable and sets the exit status. No file beside the executable is read.
 *
 * @param argv0 the program as it was called; `kubectl-rescue` makes help say `kubectl rescue`
 * @param args without the program
 */
export async function runSingleFile(
  embedded: EmbeddedCommandLine,
  argv0: string,
  args: readonly string[],
): Promise<void> {
  // As bin/run.js does; after the code cache was accepted, which is made without this flag.
  setFlagsFromString('--optimize-for-size');
  const pjson = isKubectlPlugin(argv0) ? manifestForKubectl(embedded.pjson) : embedded.pjson;
  const plugin = createEmbeddedPlugin({ ...embedded, pjson }, NO_DIRECTORY);
  const options = { root: NO_DIRECTORY, pjson, plugins: new Map([[plugin.name, plugin]]) };
  await runCommandLine(args, options, runEmbedded);
}

/** As oclif's `run`, which would load the class of the help from a file. */
async function runEmbedded(args: string[], config: Config): Promise<void> {
  if (!helpAddition(args, config) && !isTopic(args, config)) {
    await run(args, config);
    return;
  }
  await new HelpWithExitCodes(config, config.pjson.oclif.helpOptions).showHelp(args);
}

function isTopic(args: string[], config: Config): boolean {
  const [id] = normalizeArgv(config, args);
  return id !== undefined && config.findCommand(id) === undefined && config.findTopic(id) !== undefined;
}
