import { type HostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from './command.ts';
import { aptGet } from './debian-packages.ts';
import type { LabDeps } from './lab-deps.ts';
import { LabError } from '../errors.ts';

/** In Debian's package debian-archive-keyring. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const INDEX_FORMAT = '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(RELEASE)';

/**
 * Fetches and unpacks a Debian source package below `work`, from the machine's own archives.
 *
 * The machine's own apt configuration and package lists stay as they are.
 *
 * @returns the unpacked source tree
 * @throws LabError `LAB_COMMAND_FAILED` `LAB_BUILD_FAILED` (no such source)
 */
export async function fetchDebianSource(name: string, work: HostPath, deps: LabDeps): Promise<HostPath> {
  const lists = joinPath(work, 'lists');
  const sourceList = joinPath(work, 'sources.list');
  const unpacked = joinPath(work, 'source');
  for (const directory of [lists, unpacked]) await deps.host.makeDirectory(directory, { mode: 0o755 });
  await deps.host.writeFile(sourceList, Buffer.from(await sourceEntries(deps)), { mode: 0o644 });
  const privateLists = [
    `-oDir::Etc::sourcelist=${sourceList}`,
    '-oDir::Etc::sourceparts=/dev/null',
    `-oDir::State::Lists=${lists}`,
    // Otherwise apt drops to a user that may not enter the work directory.
    '-oAPT::Sandbox::User=root',
  ];
  await aptGet([...privateLists, 'update'], deps);
  await aptGet([...privateLists, 'source', name], deps, unpacked);
  const tree = (await deps.host.list(unpacked))?.find((entry) => entry.startsWith(`${name}-`));
  if (tree === undefined) throw sourceMissing(name);
  return joinPath(unpacked, tree);
}

async function sourceEntries(deps: LabDeps): Promise<string> {
  const argv = ['apt-get', 'indextargets', '--format', INDEX_FORMAT, 'Created-By: Packages'] as const;
  const hasKeyring = (await deps.host.stat(KEYRING as HostPath)) !== undefined;
  if (!hasKeyring) {
    const message = `WARNING: ${KEYRING} is missing: apt verifies Debian sources with every key that it trusts`;
    deps.onProgress?.({ phase: 'build', message });
  }
  let entries = renderSourceEntries((await runCommand(deps, argv)).stdout, hasKeyring ? KEYRING : undefined);
  if (entries === '') {
    // Without package lists apt does not list its sources.
    await aptGet(['update'], deps);
    entries = renderSourceEntries((await runCommand(deps, argv)).stdout, hasKeyring ? KEYRING : undefined);
  }
  return entries;
}

/**
 * The `deb-src` lines for Debian's own main archive.
 *
 * @param targets lines of origin, component, URI and release from `apt-get indextargets`
 */
export function renderSourceEntries(targets: string, keyring: string | undefined): string {
  const options = keyring === undefined ? '' : ` [signed-by=${keyring}]`;
  const entries = targets
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([origin, component]) => origin === 'Debian' && component === 'main')
    .map(([, component, uri, release]) => `deb-src${options} ${uri} ${release} ${component}\n`);
  return [...new Set(entries)].join('');
}

function sourceMissing(name: string): LabError {
  return new LabError({
    code: 'LAB_BUILD_FAILED',
    message: 'the unpacked source package has no directory of its name',
    subject: name,
    hint: `run apt-get source ${name} by hand`,
  });
}
