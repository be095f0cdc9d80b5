import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type ArchiveInput, debianName, makeDebianPackage, makeTar } from './archives.ts';
import { bundle, readProgram } from './bundle.ts';
import { type Architecture, makeExecutable } from './executable.ts';
import { krewManifest } from './krew.ts';
import { findNode } from './node-binary.ts';
import { billOfMaterials } from './sbom.ts';
import { listRunbooks, writeShare } from './share.ts';
import { thirdPartyLicenses } from './third-party.ts';

const ROOT = path.join(import.meta.dirname, '..');
const ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];

// Writes what people carry to a node: for each processor the executable, archives and a Debian package; checksums, the bill of
// materials and the manifest of krew. `npm run package` builds the command line first.
const { values } = parseArgs({
  options: {
    output: { type: 'string', default: path.join(ROOT, 'dist') },
    /** One processor instead of all. */
    architecture: { type: 'string' },
    /** Only the executables, without archives and packages. */
    bare: { type: 'boolean', default: false },
    /** Only the executable for this machine, named `kube-rescue`. */
    own: { type: 'boolean', default: false },
    /** 0 to 9; 9 takes a minute for each archive. */
    compression: { type: 'string', default: '9' },
  },
});
const wanted = values.own ? process.arch : values.architecture;
const architectures = ARCHITECTURES.filter((each) => wanted === undefined || each === wanted);
const work = await mkdtemp(path.join(tmpdir(), 'kube-rescue-package-'));
try {
  await writePackages(path.resolve(values.output), work);
} finally {
  await rm(work, { recursive: true, force: true });
}

async function writePackages(output: string, directory: string): Promise<void> {
  await rm(output, { recursive: true, force: true });
  await mkdir(output, { recursive: true });
  const archive: ArchiveInput = { epoch: sourceDate(), compression: Number(values.compression) };
  const program = await readProgram();
  const { script, sources } = await bundle(program, directory);
  const { version, description } = program.pjson;
  const assets = await listRunbooks();
  let nodeVersion = '';
  for (const architecture of architectures) {
    const node = await findNode(architecture);
    nodeVersion = node.version;
    const name = values.own ? 'kube-rescue' : `kube-rescue-linux-${architecture}`;
    const executable = path.join(output, name);
    await makeExecutable({ architecture, node: node.program, script, assets, target: executable }, directory);
    say(executable);
    if (values.bare || values.own) continue;
    const prefix = path.join(directory, name);
    await mkdir(path.join(prefix, 'bin'), { recursive: true });
    await copyFile(executable, path.join(prefix, 'bin/kube-rescue'));
    await symlink('kube-rescue', path.join(prefix, 'bin/kubectl-rescue'));
    const thirdParty = await thirdPartyLicenses(sources, node.license);
    await writeShare({ program, epoch: archive.epoch, thirdParty }, prefix);
    for (const ending of ['tar.gz', 'tar.xz']) {
      await makeTar(prefix, path.join(output, `${name}.${ending}`), archive);
      say(path.join(output, `${name}.${ending}`));
    }
    const debian = path.join(output, debianName({ architecture, version }));
    await makeDebianPackage(prefix, debian, { ...archive, architecture, version, description });
    say(debian);
  }
  if (!values.bare && !values.own) {
    const bom = await billOfMaterials({ nodeVersion, epoch: archive.epoch }, directory);
    await writeFile(path.join(output, 'kube-rescue.cdx.json'), bom);
    const archives = await Promise.all(
      architectures.map(async (architecture) => {
        const name = `kube-rescue-linux-${architecture}.tar.gz`;
        return { architecture, name, sha256: await sha256(path.join(output, name)) };
      }),
    );
    await writeFile(path.join(output, 'rescue.yaml'), krewManifest({ version, description, archives }));
  }
  const names = (await readdir(output)).toSorted();
  const lines = await Promise.all(names.map(async (name) => `${await sha256(path.join(output, name))}  ${name}\n`));
  await writeFile(path.join(output, 'SHA256SUMS'), lines.join(''));
  say(path.join(output, 'SHA256SUMS'));
}

/** Seconds since 1970 of what is packaged: `SOURCE_DATE_EPOCH`, or the last commit. */
function sourceDate(): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  const text = given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' });
  const epoch = Number(text);
  if (!Number.isSafeInteger(epoch) || text.trim() === '') throw new Error(`SOURCE_DATE_EPOCH is no number: ${text}`);
  return epoch;
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

function say(file: string): void {
  process.stdout.write(`${path.relative(process.cwd(), file)}\n`);
}
