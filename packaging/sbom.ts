import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const CLI = path.join(import.meta.dirname, '../apps/cli');

interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: { version: string; 'bom-ref': string } };
  components: object[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/**
 * The bill of materials in CycloneDX: every package of apps/cli/npm-shrinkwrap.json as npm lists it, and Node.
 *
 * @param input.epoch seconds since 1970; with it the same input makes the same text
 */
export async function billOfMaterials(
  input: { readonly nodeVersion: string; readonly epoch: number },
  directory: string,
): Promise<string> {
  const { nodeVersion, epoch } = input;
  const project = path.join(directory, 'sbom');
  await mkdir(project, { recursive: true });
  for (const name of ['package.json', 'npm-shrinkwrap.json'])
    await copyFile(path.join(CLI, name), path.join(project, name));
  const { stdout } = await promisify(execFile)(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only', '--omit', 'dev'],
    { cwd: project, maxBuffer: 64 * 1024 * 1024 },
  );
  const bom = JSON.parse(stdout) as Bom;
  const node = {
    'bom-ref': `node@${nodeVersion}`,
    type: 'platform',
    name: 'node',
    version: nodeVersion,
    purl: `pkg:generic/node@${nodeVersion}`,
    licenses: [{ license: { id: 'MIT' } }],
  };
  bom.components.push(node);
  bom.dependencies.find(({ ref }) => ref === bom.metadata.component['bom-ref'])?.dependsOn.push(node['bom-ref']);
  bom.metadata.timestamp = new Date(epoch * 1000).toISOString();
  delete bom.serialNumber;
  // From the content, so that it is the same for the same content.
  const hash = createHash('sha256').update(JSON.stringify(bom)).digest('hex');
  bom.serialNumber = `urn:uuid:${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}
