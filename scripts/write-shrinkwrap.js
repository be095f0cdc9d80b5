// Writes apps/cli/npm-shrinkwrap.json: the part of package-lock.json that the published command line installs, so that root runs
// the versions that were tested. With --check: only compares, exit 1 when the file does not agree with the lock file.
import { readFileSync, writeFileSync } from 'node:fs';

const CLI = 'apps/cli';
const TARGET = `${CLI}/npm-shrinkwrap.json`;
const { packages, lockfileVersion } = JSON.parse(readFileSync('package-lock.json', 'utf8'));

/** The entry that `from` gets for a name, as Node.js resolves it. */
function find(name, from) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const key = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (key in packages) return packages[key].link === true ? packages[key].resolved : key;
    if (at === '') return undefined;
  }
}

/** Where an entry of this repository is once it is installed. */
function placeOf(key) {
  for (const [workspace, entry] of workspaces) {
    if (key === workspace) return `node_modules/${entry.name}`;
    if (key.startsWith(`${workspace}/node_modules/`)) return `node_modules/${entry.name}${key.slice(workspace.length)}`;
  }
  return key;
}

const workspaces = Object.entries(packages).filter(([key]) => key !== '' && !key.includes('node_modules/'));
const wanted = new Set();
const queue = [CLI];
for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
  if (wanted.has(key)) continue;
  wanted.add(key);
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  } = packages[key];
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    const found = find(name, key);
    if (found !== undefined) queue.push(found);
    else if (name in dependencies || (name in peerDependencies && peerDependenciesMeta[name]?.optional !== true)) {
      throw new Error(`package-lock.json has no ${name} for ${key}`);
    }
  }
}
const { name, version } = JSON.parse(readFileSync(`${CLI}/package.json`, 'utf8'));
const versionOf = (dependency) => packages[find(dependency, '')]?.version ?? packages[find(dependency, CLI)].version;
const exact = (dependencies) =>
  Object.fromEntries(
    Object.entries(dependencies).map(([each, range]) => [
      each,
      each.startsWith('@kube-rescue/') ? versionOf(each) : range,
    ]),
  );
const entries = [...wanted]
  .filter((key) => key !== CLI)
  .map((key) => {
    const { dev: _dev, devOptional: _devOptional, devDependencies: _devDependencies, ...entry } = packages[key];
    if (key.includes('node_modules/')) return [placeOf(key), entry];
    const { dependencies = {}, ...rest } = entry;
    return [placeOf(key), { ...rest, dependencies: exact(dependencies) }];
  })
  .toSorted(([a], [b]) => (a < b ? -1 : 1));
const { dependencies, bin, engines, license } = JSON.parse(readFileSync(`${CLI}/package.json`, 'utf8'));
const root = { name, version, license, dependencies: exact(dependencies), bin, engines };
const shrinkwrap = {
  name,
  version,
  lockfileVersion,
  requires: true,
  packages: { '': root, ...Object.fromEntries(entries) },
};
const text = `${JSON.stringify(shrinkwrap, undefined, 2)}\n`;

if (process.argv.includes('--check')) {
  const present = readFileSync(TARGET, 'utf8');
  if (present !== text) {
    console.error(`${TARGET} does not agree with package-lock.json: run npm run shrinkwrap`);
    process.exit(1);
  }
} else writeFileSync(TARGET, text);
