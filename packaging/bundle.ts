import { build, type Plugin } from 'esbuild';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ManifestCommand } from '../apps/cli/src/completion/listed-commands.ts';

/** The command line, built. */
const CLI = path.join(import.meta.dirname, '../apps/cli');

export interface Program {
  /** What oclif reads of package.json. */
  readonly pjson: { readonly name: string; readonly version: string; readonly description: string };
  readonly manifest: { readonly commands: Readonly<Record<string, ManifestCommand>> };
}

/** Reads the built command line. */
export async function readProgram(): Promise<Program> {
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(path.join(CLI, name), 'utf8'));
  const { name, version, description, oclif } = (await read('package.json')) as Program['pjson'] & { oclif: object };
  const manifest = (await read('oclif.manifest.json')) as Program['manifest'];
  return { pjson: { name, version, description, oclif } as Program['pjson'], manifest };
}

/**
 * Bundles the command line with everything that it imports into one CommonJS script, the only form that Node embeds. Each command
 * stays a module that is initialised when it is first loaded.
 *
 * @returns the name of the script in `directory`, and the files in it, relative to the repository
 */
export async function bundle(
  program: Program,
  directory: string,
): Promise<{ readonly script: string; readonly sources: readonly string[] }> {
  const script = 'kube-rescue.cjs';
  const { metafile } = await build({
    stdin: { contents: entryOf(program), resolveDir: CLI, sourcefile: 'single-file.js' },
    outfile: path.join(directory, script),
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // Names and lines stay: people read stack traces.
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    // A bundle has no import.meta: a module that needs it must not be in it.
    logOverride: { 'empty-import-meta': 'error' },
    absWorkingDir: path.join(CLI, '../..'),
    plugins: [withoutUnusedModels],
  });
  return { script, sources: Object.keys(metafile.inputs) };
}

function entryOf({ pjson, manifest }: Program): string {
  const commands = Object.keys(manifest.commands).map(
    (id) => `${JSON.stringify(id)}: () => import(${JSON.stringify(`./dist/commands/${id.replaceAll(':', '/')}.js`)}),`,
  );
  // A text that is parsed as JSON starts faster than an object literal.
  const parsed = (value: object): string => `JSON.parse(${JSON.stringify(JSON.stringify(value))})`;
  return `
import './dist/unknown-user.js';
import { runSingleFile } from './dist/single-file/single-file.js';
const commands = {
${commands.join('\n')}
};
const embedded = { pjson: ${parsed(pjson)}, manifest: ${parsed(manifest)}, commands };
void runSingleFile(embedded, process.argv0, process.argv.slice(2));
`;
}

/** Kubernetes' client library does not declare that its modules, thousands of models, have no effect when nothing uses them. */
const withoutUnusedModels: Plugin = {
  name: 'without-unused-models',
  setup({ onResolve, resolve }) {
    const asked = Symbol('asked');
    onResolve({ filter: /^(?:\.|@kubernetes\/client-node$)/ }, async ({ path: name, pluginData, ...where }) => {
      const isOfClient = name.startsWith('@kubernetes/') || where.importer.includes('/@kubernetes/client-node/');
      if (pluginData === asked || !isOfClient) return undefined;
      const { kind, resolveDir, importer } = where;
      const found = await resolve(name, { kind, resolveDir, importer, pluginData: asked });
      return { path: found.path, errors: found.errors, sideEffects: false };
    });
  },
};
