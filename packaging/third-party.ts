import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..');

/**
 * The licences of everything that is in the executable and not of this repository, as one text.
 *
 * @param sources the files that were bundled, relative to the repository
 * @param nodeLicense Node's own, which includes those of its parts
 * @throws Error for a package that states no licence
 */
export async function thirdPartyLicenses(sources: readonly string[], nodeLicense: string): Promise<string> {
  const directories = sources.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  const texts: string[] = [];
  for (const directory of [...new Set(directories)].toSorted()) {
    texts.push(await licenseOf(path.join(ROOT, directory)));
  }
  return [...texts, `Node.js\n\n${await readFile(nodeLicense, 'utf8')}`].join(`\n${'-'.repeat(80)}\n\n`);
}

async function licenseOf(directory: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(path.join(directory, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  const file = (await readdir(directory)).find((each) => /^licen[cs]e(?:\.|$)/i.test(each));
  if (license === undefined && file === undefined) throw new Error(`${name} ${version} states no licence`);
  const text = file === undefined ? '' : `\n\n${(await readFile(path.join(directory, file), 'utf8')).trim()}`;
  return `${name} ${version}: ${license ?? 'see below'}${text}\n`;
}
