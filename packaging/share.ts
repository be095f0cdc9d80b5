import { gzipSync } from 'node:zlib';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EXIT_MEANINGS } from '../apps/cli/src/exit-codes.ts';
import type { Program } from './bundle.ts';
import { listCommands } from '../apps/cli/src/completion/listed-commands.ts';
import { completions } from '../apps/cli/src/completion/scripts.ts';
import { manPages } from './man-pages.ts';

const ROOT = path.join(import.meta.dirname, '..');
const RUNBOOKS = path.join(ROOT, 'docs/runbooks');

export interface ShareInput {
  readonly program: Program;
  /** Seconds since 1970. */
  readonly epoch: number;
  /** Licences of what is in the executable besides ours. */
  readonly thirdParty: string;
}

/** The runbooks by file name, with their absolute paths. */
export async function listRunbooks(): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(RUNBOOKS)).filter((name) => name.endsWith('.md')).toSorted();
  return Object.fromEntries(names.map((name) => [name, path.join(RUNBOOKS, name)]));
}

/** Writes what belongs below a prefix such as `/usr` beside the program: man pages, completions, runbooks, licences. */
export async function writeShare(input: ShareInput, prefix: string): Promise<void> {
  const { program, epoch, thirdParty } = input;
  const commands = listCommands(program.manifest.commands);
  const { version, description } = program.pjson;
  const write = async (name: string, content: string | Uint8Array): Promise<void> => {
    const file = path.join(prefix, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  };
  const pages = manPages({ version, description, commands, epoch, exitCodes: EXIT_MEANINGS });
  for (const [name, text] of pages) await write(`share/man/man1/${name}.gz`, gzipSync(`${text}\n`, { level: 9 }));
  await symlink('kube-rescue.1.gz', path.join(prefix, 'share/man/man1/kubectl-rescue.1.gz'));
  for (const completion of completions(commands)) await write(completion.path, completion.text);
  // bash and fish find a script by the name of the command.
  await symlink('kube-rescue', path.join(prefix, 'share/bash-completion/completions/kubectl-rescue'));
  await symlink('kube-rescue.fish', path.join(prefix, 'share/fish/vendor_completions.d/kubectl-rescue.fish'));
  for (const [name, file] of Object.entries(await listRunbooks())) {
    await write(`share/doc/kube-rescue/runbooks/${name}`, await readFile(file));
  }
  await write('share/doc/kube-rescue/LICENSE', await readFile(path.join(ROOT, 'LICENSE')));
  await write('share/doc/kube-rescue/THIRD-PARTY-LICENSES', thirdParty);
}
