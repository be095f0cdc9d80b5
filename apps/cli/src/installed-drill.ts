import type { Command, Config } from '@oclif/core';
import { isSea } from 'node:sea';
import { CliError } from './errors.ts';

/** Not an import: the package depends on this one and is installed separately. */
const DRILL_PACKAGE: string = '@kube-rescue/drill';

interface DrillPackage {
  readonly DrillCommand: (new (argv: string[], config: Config) => Command) & Pick<typeof Command, 'run'>;
}

/**
 * Loads the drill package; the single executable cannot load any.
 * @throws CliError `DRILL_NOT_INSTALLED`
 */
export async function openDrill(load: (name: string) => Promise<unknown> = loadPackage): Promise<DrillPackage> {
  try {
    return (await load(DRILL_PACKAGE)) as DrillPackage;
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    throw new CliError({
      code: 'DRILL_NOT_INSTALLED',
      message: 'the drill package is not installed',
      subject: DRILL_PACKAGE,
      hint: `install it next to kube-rescue: \`npm install --global kube-rescue ${DRILL_PACKAGE}\``,
      cause: error,
    });
  }
}

async function loadPackage(name: string): Promise<unknown> {
  if (isSea()) throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
  return import(name);
}

/** The package itself is missing, not one of its dependencies. */
function isNotInstalled(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes(`'${DRILL_PACKAGE}'`)
  );
}
