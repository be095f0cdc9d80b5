// The lockfile must be complete for every platform (npm silently leaves out optional packages that the registry lacks, and
// `npm ci` then refuses elsewhere), and must not name the registry it was made with.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const problems = [];
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const [path, entry] of Object.entries(lock.packages)) {
  if (entry.resolved !== undefined && !entry.link) problems.push(`${path} names a download address`);
}
const optional = Object.entries(lock.packages).flatMap(([path, entry]) =>
  Object.keys(entry.optionalDependencies ?? {}).map((name) => ({ path, name })),
);
for (const { path, name } of optional) {
  const known = [`${path}/node_modules/${name}`, `node_modules/${name}`].some((key) => key in lock.packages);
  if (!known) problems.push(`${path || 'the root'} wants ${name}, which is missing`);
}
const dryRun = spawnSync('npm', ['ci', '--dry-run', '--ignore-scripts'], { encoding: 'utf8' });
if (dryRun.status !== 0) problems.push(`npm ci --dry-run: ${dryRun.stderr.split('\n')[0]}`);
if (problems.length > 0) {
  console.error(`package-lock.json cannot be relied on:\n${problems.join('\n')}`);
  process.exit(1);
}
