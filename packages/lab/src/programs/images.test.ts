import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programCommand, type ProgramName, programsRecipe } from './images.ts';

// A root directory with the files of the image and nothing else.
describe.skipIf(process.getuid?.() !== 0)('the image of the programs', () => {
  let root: string;
  beforeAll(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'image-'));
    const { files, texts = {} } = await programsRecipe({ host: createLocalHost(), clock: systemClock });
    for (const [target, source] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(root, target)), { recursive: true });
      cpSync(source, path.join(root, target), { recursive: true, dereference: true });
    }
    for (const [target, text] of Object.entries(texts)) {
      mkdirSync(path.dirname(path.join(root, target)), { recursive: true });
      writeFileSync(path.join(root, target), text);
    }
  });
  afterAll(() => rmSync(root, { recursive: true }));

  function run(argv: readonly string[]): string {
    const { stdout, stderr } = spawnSync('chroot', [root, ...argv], {
      env: { PATH: '/usr/sbin:/usr/bin' },
      encoding: 'utf8',
      timeout: 10_000,
    });
    return `${stdout}${stderr}`;
  }

  it.each<[ProgramName, string, ...string[]]>([
    ['podCheckpointer', 'Missing required environment variable: NODE_NAME'],
    ['flannel', 'Missing required environment variable: NODE_NAME'],
    ['clusterDns', 'KUBERNETES_SERVICE_HOST must be defined', '--dns-port=0', '--healthz-port=0'],
    ['fetch', 'not a URL: x', 'x'],
  ])('starts %s', (name, expected, ...args) => {
    expect(run(programCommand(name, ...args))).toContain(expected);
  });

  it('contains the programs that these run, with their libraries', () => {
    expect(run(['ctr', '--version'])).toContain('containerd');
    expect(run(['flock', '--version'])).toContain('util-linux');
    expect(run(['ip', '-json', 'address', 'show', 'lo'])).toContain('127.0.0.1');
    const rule = ['-t', 'nat', '-A', 'POSTROUTING', '-m', 'comment', '--comment', 'x', '-j', 'MASQUERADE'];
    expect(execFileSync('unshare', ['--net', 'chroot', root, 'iptables', ...rule], { encoding: 'utf8' })).toBe('');
  });
});
