// Writes the list of the built commands with their flags beside package.json, where oclif looks for it. Without one, oclif
// loads every command whenever any is run.
// Copies the runbooks into the package, which `kube-rescue runbook` shows.
// https://oclif.io/docs/plugin_loading/#manifests
import { cp, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
await writeFile(new URL('../oclif.manifest.json', import.meta.url), `${JSON.stringify(plugin.manifest)}\n`);
const runbooks = new URL('../dist/runbooks/', import.meta.url);
await rm(runbooks, { recursive: true, force: true });
await cp(new URL('../../../docs/runbooks/', import.meta.url), runbooks, { recursive: true });
