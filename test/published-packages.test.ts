import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importsOf, type Manifest, packAll, ROOT, type Tarball } from './e2e/packages/tarballs.fixture.ts';

/** The part of a package-lock.json or npm-shrinkwrap.json that is compared. */
interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly integrity?: string;
        readonly dev?: boolean;
        readonly dependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

let packDirectory = '';
let tarballs: readonly Tarball[] = [];

beforeAll(async () => {
  packDirectory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-packed-'));
  tarballs = await packAll(packDirectory);
}, 120_000);

afterAll(async () => {
  await rm(packDirectory, { recursive: true, force: true });
});

describe('what is published', () => {
  it('states its purpose, its Node version and its licence', async () => {
    const { engines } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
    const licence = await readFile(path.join(ROOT, 'LICENSE'), 'utf8');
    for (const { manifest, directory, text } of tarballs) {
      expect(manifest, directory).toMatchObject({ license: 'Apache-2.0', engines, repository: { directory } });
      expect(manifest.description, directory).toMatch(/^[A-Z].*\.$/);
      expect(await text('LICENSE'), directory).toBe(licence);
      expect(await text('README.md'), directory).toContain(`# ${manifest.name}`);
    }
  });

  it('is the build output, without tests, fixtures and outputs of deleted sources', async () => {
    for (const { directory, files } of tarballs) {
      const strange = files.filter(
        (file) =>
          !/^(?:package\.json|README\.md|LICENSE|bin\/[\w-]+\.js|dist\/.+|go\/[\w.-]+\/(?:go\.mod|go\.sum|tools\.go)|oclif\.manifest\.json|npm-shrinkwrap\.json)$/.test(
            file,
          ),
      );
      expect(strange, directory).toEqual([]);
      expect(
        files.filter((file) => /\.(?:test|fixture)\.|tsbuildinfo/.test(file)),
        directory,
      ).toEqual([]);
      const built = files.filter((file) => file.startsWith('dist/') && file.endsWith('.js'));
      const sources = built.map((file) =>
        path.join(ROOT, directory, file.replace(/^dist/, 'src').replace(/\.js$/, '.ts')),
      );
      const gone = await Promise.all(sources.map(async (file) => ((await exists(file)) ? [] : [file])));
      expect(gone.flat(), `remove ${directory}/dist and build again`).toEqual([]);
    }
  });

  it('lists its commands, so that only the command that runs is loaded', async () => {
    const cli = tarballs.find(({ directory }) => directory === 'apps/cli');
    const { commands } = JSON.parse((await cli?.text('oclif.manifest.json')) ?? '{}') as { readonly commands: object };
    const built = (cli?.files ?? []).filter((file) => /^dist\/commands\/.+\.js$/.test(file));
    const names = built.map((file) => file.replace(/^dist\/commands\/(.+)\.js$/, '$1').replaceAll('/', ':'));
    expect(names.length).toBeGreaterThan(30);
    expect(Object.keys(commands).toSorted()).toEqual(names.toSorted());
  });

  it('exports and runs its own files, with types', () => {
    for (const { manifest, files, directory } of tarballs) {
      const targets = Object.entries(manifest.exports ?? {}).flatMap(([name, conditions]) => {
        if (typeof conditions === 'string') return [conditions];
        expect(Object.keys(conditions).at(-1), `${directory} ${name}`).toBe('default');
        return [conditions['types'], conditions['default']];
      });
      for (const target of [...targets, ...Object.values(manifest.bin ?? {})]) {
        expect(files, directory).toContain(target?.replace(/^\.\//, ''));
      }
      expect([...targets, ...Object.values(manifest.bin ?? {})].length, directory).toBeGreaterThan(0);
    }
  });

  it('lets a bundler drop what is not used, and read the version', () => {
    for (const { manifest, directory } of tarballs.filter(({ manifest: { bin } }) => bin === undefined)) {
      expect(manifest.sideEffects, directory).toBe(false);
      expect(manifest.exports?.['./package.json'], directory).toBe('./package.json');
    }
  });

  it('has no source maps, whose sources are not published', async () => {
    for (const { directory, files, text } of tarballs) {
      const maps = files.filter((file) => file.endsWith('.map'));
      expect(maps, `remove ${directory}/dist and build again`).toEqual([]);
      for (const file of files.filter((each) => each.endsWith('.js'))) {
        expect(await text(file), `${directory}: ${file}`).not.toMatch(/^\/\/# sourceMappingURL/m);
      }
    }
  });

  it('depends on exactly one version of each package of this repository', () => {
    for (const { manifest, directory } of tarballs) {
      const own = Object.entries(manifest.dependencies ?? {}).filter(([name]) => name.startsWith('@kube-rescue/'));
      for (const [name, range] of own) {
        const version = tarballs.find((each) => each.manifest.name === name)?.manifest.version;
        expect(range, `${directory}: ${name}`).toBe(version);
      }
    }
  });

  it('installs the versions of the lock file with the command line, with their digests', async () => {
    const cli = tarballs.find(({ directory }) => directory === 'apps/cli');
    const { packages } = JSON.parse((await cli?.text('npm-shrinkwrap.json')) ?? '{}') as Lock;
    const lock = JSON.parse(await readFile(path.join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
    expect(packages['']?.dependencies).toEqual(cli?.manifest.dependencies);
    const names = Object.keys(packages).filter((key) => key !== '');
    expect(names.length).toBeGreaterThan(150);
    for (const key of names) {
      const { version, integrity, dev } = packages[key] ?? {};
      expect(dev, key).toBeUndefined();
      const own = /^node_modules\/@kube-rescue\/([^/]+)(\/.+)?$/.exec(key);
      const locked = lock.packages[own === null ? key : `packages/${own[1]}${own[2] ?? ''}`];
      expect(version, key).toBe(locked?.version);
      // Packages of this repository get their digest when they are published.
      if (own !== null && own[2] === undefined) continue;
      expect(integrity, key).toMatch(/^sha512-/);
      expect(integrity, key).toBe(locked?.integrity);
    }
    const named = Object.keys(packages).map((key) => key.slice(key.lastIndexOf('node_modules/') + 13));
    const missing = Object.values(packages).flatMap(({ dependencies = {} }) =>
      Object.keys(dependencies).filter((name) => !named.includes(name)),
    );
    expect(missing).toEqual([]);
  });

  it('depends on every package that it imports', async () => {
    for (const tarball of tarballs) {
      const declared = Object.keys({ ...tarball.manifest.dependencies, ...tarball.manifest.peerDependencies });
      const missing = [...(await importsOf(tarball))].filter((name) => !declared.includes(name));
      expect(missing, tarball.directory).toEqual([]);
    }
  });
});

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
