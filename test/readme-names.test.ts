import { globSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));
const PACKAGE_NAMES = readdirSync(PACKAGES);
/** Fields of Kubernetes objects that a README may name. */
const KUBERNETES_FIELDS = ['hostedZoneID', 'tcpSocket'];

const read = (...parts: readonly string[]): string => readFileSync(path.join(PACKAGES, ...parts), 'utf8');

/** The exports of a package, of its subpaths too. */
function exportsOf(name: string): ReadonlySet<string> {
  const indexes = globSync('src/{,*/}index.ts', { cwd: path.join(PACKAGES, name) }).map((file) => read(name, file));
  const lists = indexes.flatMap((index) => [...index.matchAll(/^export (?:type )?\{([^}]*)\}/gm)]);
  const names = lists.flatMap(([, list = '']) => list.split(','));
  return new Set(names.map((each) => each.trim().replace(/^type |^\w+ as /g, '')));
}

/** The dependencies of a package in this repository. */
function dependenciesOf(name: string): readonly string[] {
  const { dependencies = {} } = JSON.parse(read(name, 'package.json')) as { readonly dependencies?: object };
  return PACKAGE_NAMES.filter((each) => `@kube-rescue/${each}` in dependencies);
}

/** Members and parameters that a package declares. */
function membersOf(name: string): ReadonlySet<string> {
  const sources = globSync(path.join(PACKAGES, name, 'src/**/*.ts')).filter((file) => !file.endsWith('.test.ts'));
  const declared = sources.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\b(\w+)(?:\?:|:|\()/g)]);
  return new Set(declared.map(([, member = '']) => member));
}

/** Identifiers in camelCase or PascalCase in backticks, each with its paragraph or list item. */
function namesIn(readme: string): readonly { readonly name: string; readonly block: string }[] {
  const prose = readme.replaceAll(/^```.*?^```/gms, '');
  return prose.split(/\n\n|\n(?=- )/).flatMap((block) =>
    [...block.matchAll(/`(\w+(?:\.\w+)*)(?:\([^`]*\))?`/g)]
      .flatMap(([, code = '']) => code.split('.'))
      .filter((name) => /^(?:[a-z]+[A-Z]|[A-Z][a-z])\w*$/.test(name))
      .map((name) => ({ name, block })),
  );
}

describe('a name of code in a package README', () => {
  it.each(PACKAGE_NAMES)('is exported: %s', (name) => {
    const known = [exportsOf(name), ...dependenciesOf(name).map(exportsOf), membersOf(name)];
    const isKnown = (word: string, block: string): boolean =>
      known.some((names) => names.has(word)) ||
      PACKAGE_NAMES.some((other) => block.includes(`/${other}\``) && exportsOf(other).has(word)) ||
      KUBERNETES_FIELDS.includes(word) ||
      word in globalThis;
    const unknown = namesIn(read(name, 'README.md')).filter((each) => !isKnown(each.name, each.block));
    expect(unknown.map((each) => each.name)).toEqual([]);
  });

  it('is found in the prose', () => {
    const names = PACKAGE_NAMES.flatMap((name) => namesIn(read(name, 'README.md')));
    expect(names.length).toBeGreaterThan(100);
  });
});
