import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, 'utf8');

/** The packages in docs/architecture.md, lowest layer first. A new package needs a line there. */
const PACKAGES = [...read('docs/architecture.md').matchAll(/^ {2}([a-z0-9-]+)\/ {2,}\S/gm)].map(([, name]) => name);
/** Packages for drills and tests; packages that repair a cluster must not import them. */
const NOT_THE_PRODUCT = ['lab', 'local-aws', 'testing'];
const IMPORT = /(?:from|import\(|resolve\()\s*'@kube-rescue\/([a-z0-9-]+)/g;
const isTest = (file: string): boolean => /\.test\.ts$|\.fixture\.ts$/.test(file);
const importsOf = (pattern: string): readonly string[] =>
  globSync(pattern, { cwd: ROOT })
    .filter((file) => !isTest(file))
    .flatMap((file) => [...read(file).matchAll(IMPORT)].map(([, name]) => `${file}: ${name}`));

describe('the packages', () => {
  it('are listed in docs/architecture.md, each once', () => {
    const directories = globSync('packages/*/package.json', { cwd: ROOT }).map((file) => file.split('/')[1]);
    expect(new Set(PACKAGES)).toEqual(new Set(directories));
    expect(PACKAGES).toHaveLength(directories.length);
  });

  it.each(PACKAGES)('%s imports only packages that are listed above it', (name) => {
    const above = PACKAGES.slice(0, PACKAGES.indexOf(name));
    const allowed =
      name === 'lab' || name === 'testing' ? above : above.filter((each) => !NOT_THE_PRODUCT.includes(each ?? ''));
    const wrong = importsOf(`packages/${name}/src/**/*.ts`).filter((line) => !allowed.includes(line.split(': ')[1]));
    expect(wrong).toEqual([]);
  });

  it('declare exactly those dependencies on each other that they import', () => {
    for (const name of PACKAGES) {
      const { dependencies = {} } = JSON.parse(read(`packages/${name}/package.json`)) as {
        readonly dependencies?: Readonly<Record<string, string>>;
      };
      const declared = Object.keys(dependencies).filter((each) => each.startsWith('@kube-rescue/'));
      const used = new Set(
        importsOf(`packages/${name}/src/**/*.ts`).map((line) => `@kube-rescue/${line.split(': ')[1]}`),
      );
      expect(declared.toSorted(), name).toEqual([...used].toSorted());
    }
  });

  it('that rehearse are not needed by the command line', () => {
    const { dependencies } = JSON.parse(read('apps/cli/package.json')) as { readonly dependencies: object };
    const rehearsals = [...NOT_THE_PRODUCT, 'drill'];
    const declared = Object.keys(dependencies).map((name) => name.replace('@kube-rescue/', ''));
    expect(declared.filter((name) => rehearsals.includes(name))).toEqual([]);
    const imported = importsOf('apps/cli/src/**/*.ts').filter((line) => rehearsals.includes(line.split(': ')[1] ?? ''));
    expect(imported).toEqual([]);
  });
});

/** The functions that open a connection, with their packages. */
const OPENERS: Readonly<Record<string, string>> = {
  openEtcd: 'etcd-access',
  probeEtcd: 'etcd-access',
  readConnection: 'etcd-access',
  createEtcdObjectStore: 'etcd-access',
  connectKmsPlugins: 'etcd-access',
  connectApiServer: 'cluster-objects',
  connectTokenApi: 'cluster-objects',
  describeNode: 'node',
};

describe('a connection to the etcd, API server or objects of a node', () => {
  it.each(Object.keys(OPENERS))('is opened by the node alone: %s', (opener) => {
    const owner = OPENERS[opener] ?? '';
    const importing = new RegExp(
      `\\{[^{}]*\\b${opener}\\b[^{}]*\\}\\s*(?:from|= await import\\()\\s*'@kube-rescue/${owner}(?:/[a-z-]+)?'`,
    );
    const files = globSync('{packages,apps}/*/src/**/*.ts', { cwd: ROOT }).filter((file) => !isTest(file));
    expect(files.length).toBeGreaterThan(500);
    const opening = files.filter((file) => importing.test(read(file))).map((file) => file.split('/')[1] ?? '');
    expect(opening.filter((name) => name !== 'node')).toEqual([]);
    if (owner !== 'node') expect(opening).toContain('node');
  });
});
