import path from 'node:path';
import { trustedDirectories } from './trusted-programs.ts';

/** Variables that every program may have. */
const PASSED = /^(?:HOME|LANG|LANGUAGE|LC_[A-Z]+|TERM|TZ)$/;

/**
 * The environment of a program that this process starts: PATH without directories that others can write, home, language, terminal
 * and time zone. Credentials of the operator (`AWS_...`, tokens) and what changes how programs run (`LD_PRELOAD`,
 * `NODE_OPTIONS`) stay here.
 *
 * @param further names of variables that this one program needs, such as `SSH_AUTH_SOCK`
 */
export function childEnvironment(...further: readonly string[]): Readonly<Record<string, string>> {
  const { env: given } = process;
  const passed = Object.entries(given).filter(([name]) => PASSED.test(name) || further.includes(name));
  const entries = [...passed, ['PATH', trustedDirectories(given['PATH']).join(path.delimiter)] as const];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
