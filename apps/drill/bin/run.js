#!/usr/bin/env node
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from 'kube-rescue/command-line';

await runCommandLine(process.argv.slice(2), { root: dirname(dirname(fileURLToPath(import.meta.url))) });
