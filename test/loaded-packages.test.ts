import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, type PlantedNode, plantNode, runProgram } from '../apps/cli/src/cli-process.fixture.ts';

/**
 * What costs the most to load, and what a command that works on files has no use for. The client of etcd and its codecs come with
 * Protocol Buffers; the kind of change that restores etcd, of the same package, is small.
 */
const HEAVY = ['@bufbuild/protobuf', '@kubernetes/client-node', '@aws-sdk/client-sts', 'node-forge', 'lab'];
const HOOKS = path.join(import.meta.dirname, 'loaded-packages.fixture.mjs');

let node: PlantedNode;
beforeAll(async () => {
  node = await plantNode({ expired: ['apiserver'] });
});
afterAll(() => node.remove());

describe('a command that works on files loads no client and no rehearsal', () => {
  it.each([['certs', 'check'], ['triage'], ['plan'], ['certs', 'renew', '--dry-run']])(
    '%s %s %s',
    async (...command) => {
      const words = command.filter((word) => typeof word === 'string');
      const ended = await runProgram(process.execPath, ['--import', HOOKS, BIN, ...words, '--root', node.root]);
      const loaded = /^loaded: (.*)$/m.exec(ended.stderr)?.[1]?.split(' ') ?? [];
      expect(loaded).toContain('cert-rotation');
      expect(loaded.filter((each) => HEAVY.includes(each))).toEqual([]);
    },
  );
});
