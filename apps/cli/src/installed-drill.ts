import type { Command, Config } from '@oclif/core';
import { CliError } from './errors.ts';

/** A name and no import, because the package depends on this one and is not installed with it. */
const DRILL_PACKAGE: string = '@kube-rescue/drill';

interface DrillPackage {
  readonly DrillCommand: (new (argv: string[], config: Config) => Command) & Pick<typeof Command, 'run'>;
}

/**
 * Loads the rehearsal, which is a package of its own.
 * @throws CliError `DRILL_NOT_INSTALLED`
 */
export async function openDrill(
  load: (name: string) => Promise<unknown> = (name) => import(name),
): Promise<DrillPackage> {
  try {
    return (await load(DRILL_PACKAGE)) as DrillPackage;
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    throw new CliError({
      code: 'DRILL_NOT_INSTALLED',
      message: 'the drill is a package of its own and is not installed',
      subject: DRILL_PACKAGE,
      hint: `install it beside kube-rescue: npm install --global ${DRILL_PACKAGE}`,
      cause: error,
    });
  }
}

/** That package itself, rather than something that it needs. */
function isNotInstalled(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes(`'${DRILL_PACKAGE}'`)
  );
}
