import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildPki, requireProgram } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ended } from '../cli-process.fixture.ts';
import { type Machine, type Machines, startMachines } from './machines.fixture.ts';

const WAIT = { timeout: 120_000, interval: 100 };
const NAMES = ['cp1', 'cp2', 'cp3'] as const;

interface Document {
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string; readonly subject: string };
  readonly result?: {
    readonly runId?: string;
    readonly order?: string;
    readonly outcome?: string;
    readonly nodes?: readonly { readonly name: string; readonly outcome?: string; readonly code?: string }[];
  };
}

function documentOf({ stdout, stderr }: Ended): Document {
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout) as Document;
}

/** The processes of the sessions of a server, without the one that listens. */
function sessionsOf({ server }: Machine): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return Number(parent) === server.pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe.skipIf(!requireProgram('ssh', 'sshd') || process.getuid?.() !== 0)('recover --nodes', () => {
  let all: Machines;
  let cp1: Machine;
  let cp2: Machine;
  let cp3: Machine;
  const begin = async (options?: Parameters<typeof startMachines>[1]): Promise<void> => {
    all = await startMachines(NAMES, options);
    [cp1, cp2, cp3] = all.machines as [Machine, Machine, Machine];
    await cp1.behave({ members: ['cp1', 'cp2', 'cp3'] });
    await cp2.behave({ members: ['cp2', 'cp1', 'cp3'] });
    await cp3.behave({ members: ['cp3', 'cp1', 'cp2'] });
  };
  const recover = (...flags: readonly string[]): Promise<Ended> => all.run(...all.recover([...flags, '--json']));
  const expectUntouched = async (): Promise<void> => {
    for (const machine of all.machines) {
      expect(await machine.calls()).toEqual([]);
      expect(await machine.left()).not.toContain('carried');
    }
  };
  beforeEach(() => begin());
  afterEach(() => all.remove());

  it('runs recover of the carried program on every node, and leaves nothing of it behind', async () => {
    const ended = await recover('--yes', '--days', '90');
    expect(documentOf(ended)).toMatchObject({
      ok: true,
      result: {
        order: 'side-by-side',
        outcome: 'done',
        nodes: NAMES.map((name) => ({ name, outcome: 'done', exitCode: 0, runId: 'r2' })),
      },
    });
    expect(ended.exitCode).toBe(0);
    for (const machine of all.machines) {
      const flags = `--kubernetes-dir ${all.kubernetes} --kubelet-service kubelet`;
      const line = `recover --days 90 --yes --json ${flags}`;
      expect(await machine.calls()).toEqual([line, `${line} ended`]);
      expect(await machine.left()).toEqual(['nodes.lock']);
      expect(ended.stderr).toContain(`${machine.name}: renew  apiserver`);
    }
  });

  it('asks nothing and changes nothing with --dry-run, which says the steps of all nodes once', async () => {
    const ended = await all.run(...all.recover(['--dry-run']));
    expect(ended.exitCode, ended.stderr).toBe(3);
    expect(ended.stdout.match(/pki\/renew\/0: certificate expired/g)).toHaveLength(1);
    expect(ended.stdout).toContain('on every node:');
    expect(ended.stdout).toContain('side by side');
    await expectUntouched();
    const refused = await recover();
    expect(refused.exitCode).toBe(2);
    expect(documentOf(refused).error?.code).toBe('CONFIRMATION_REQUIRED');
    await expectUntouched();
  });

  it('has nothing to do where every node is up to date', async () => {
    for (const [index, machine] of all.machines.entries()) {
      const others = NAMES.filter((_, at) => at !== index);
      await machine.behave({ members: [NAMES[index] ?? '', ...others], needed: 0 });
    }
    const ended = await recover('--yes');
    expect(documentOf(ended).result).toMatchObject({ outcome: 'nothing-to-do', runId: null });
    expect(ended.exitCode).toBe(0);
    await expectUntouched();
  });

  it('recovers one after the other while a majority works, the leader last', async () => {
    await cp1.behave({ members: ['cp1', 'cp2', 'cp3'], hasQuorum: true, isLeader: true });
    await cp2.hold();
    const running = all.start(...all.recover(['--yes', '--json']));
    await vi.waitFor(async () => expect(await cp2.calls()).toHaveLength(1), WAIT);
    expect([await cp1.calls(), await cp3.calls()]).toEqual([[], []]);
    await cp3.hold();
    await cp2.release();
    await vi.waitFor(async () => expect(await cp3.calls()).toHaveLength(1), WAIT);
    expect(await cp1.calls()).toEqual([]);
    await cp3.release();
    const { result } = documentOf(await running.ended);
    expect(result?.order).toBe('one-by-one');
    expect(result?.nodes?.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'cp2 done',
      'cp3 done',
      'cp1 done',
    ]);
  });

  describe('where the cluster CA has expired', () => {
    let reissued: string;
    let expired: string;
    beforeEach(async () => {
      expired = (await buildPki({ expired: ['ca'], algorithm: 'ecdsa' })).pairs.ca.certificate;
      reissued = (await buildPki({ algorithm: 'ecdsa' })).pairs.ca.certificate;
      for (const { ca } of all.machines) await writeFile(ca, expired);
      await cp2.behave({ members: ['cp2', 'cp1', 'cp3'], reissued });
    });
    const installed = () => Promise.all(all.machines.map(({ ca }) => readFile(ca, 'utf8')));

    it('issues it once, on the first node that can, and gives it to all', async () => {
      const ended = await recover('--yes');
      expect(documentOf(ended).result?.outcome, ended.stderr).toBe('done');
      expect(ended.stderr).toContain('cp2 issued the cluster CA, for all nodes, valid to 2036-11-30');
      expect(await installed()).toEqual([reissued, reissued, reissued]);
      for (const machine of all.machines) expect(await machine.left()).toEqual(['nodes.lock']);
    });

    it('changes nothing with --dry-run, nor leaves it there', async () => {
      const ended = await all.run(...all.recover(['--dry-run', '--json']));
      expect(ended.exitCode, ended.stderr).toBe(3);
      expect(await installed()).toEqual([expired, expired, expired]);
      for (const machine of all.machines) expect(await machine.left()).toEqual(['nodes.lock']);
    });

    it('resumes with the CA that it began with, also where a node has it already', async () => {
      await cp3.behave({ members: ['cp3', 'cp1', 'cp2'], recover: ['failed', 'done'] });
      expect((await recover('--yes')).exitCode).toBe(5);
      expect(await installed()).toEqual([reissued, reissued, expired]);
      expect(await cp3.left()).toContain('cas');
      const refused = documentOf(await recover('--yes')).error;
      expect([refused?.code, refused?.hint]).toEqual(['NODES_UNFIT', expect.stringContaining('--resume')]);
      expect(refused?.message).toContain('the cluster CA of cp1 and cp2 differs from that of cp3');
      const other = path.join(path.dirname(all.program), 'other-cas');
      await mkdir(other);
      await writeFile(path.join(other, 'ca.crt'), (await buildPki({ algorithm: 'ecdsa' })).pairs.ca.certificate);
      const contradicted = documentOf(await recover('--yes', '--resume', '--cas', other)).error;
      expect(contradicted?.message).toContain('began with other CA certificates');
      const ended = await recover('--yes', '--resume');
      expect(documentOf(ended).result?.outcome, ended.stderr).toBe('done');
      expect(ended.stderr).not.toContain('issued the');
      expect(await installed()).toEqual([reissued, reissued, reissued]);
      expect(await cp3.left()).toEqual(['nodes.lock']);
    });

    it('installs that of --cas instead', async () => {
      const directory = path.join(path.dirname(all.program), 'cas');
      await mkdir(directory);
      const own = (await buildPki({ algorithm: 'ecdsa' })).pairs.ca.certificate;
      await writeFile(path.join(directory, 'ca.crt'), own);
      const ended = await recover('--yes', '--cas', directory);
      expect(ended.exitCode, ended.stderr).toBe(0);
      expect(await installed()).toEqual([own, own, own]);
    });
  });

  it('begins with no further node once one has failed, and ends with its exit code', async () => {
    await cp1.behave({ members: ['cp1', 'cp2', 'cp3'], hasQuorum: true, recover: ['failed'] });
    const ended = await recover('--yes');
    const { error, result } = documentOf(ended);
    expect([ended.exitCode, error?.code]).toEqual([5, 'APPLY_ROLLED_BACK']);
    expect(result?.nodes?.map(({ outcome }) => outcome)).toEqual(['failed', 'not-started', 'not-started']);
    expect(error?.message).toContain('cp1: as the test wants; cp2: not-started; cp3: not-started');
    expect(await cp2.calls()).toEqual([]);
  });

  it('resumes what waited for the others, and is not done while one still waits', async () => {
    await cp1.behave({ members: ['cp1', 'cp2', 'cp3'], recover: ['waiting', 'done'] });
    await cp2.behave({ members: ['cp2', 'cp1', 'cp3'], recover: ['waiting', 'done'] });
    expect(documentOf(await recover('--yes')).result?.outcome).toBe('done');
    expect((await cp1.calls())[2]).toMatch(/^recover --resume --yes/);

    await cp1.behave({ members: ['cp1', 'cp2', 'cp3'], recover: ['waiting'] });
    const ended = await recover('--yes');
    const { error, result } = documentOf(ended);
    expect([ended.exitCode, error?.code, error?.subject]).toEqual([7, 'WAITING_FOR_OTHERS', 'cp1']);
    expect(result?.outcome).toBe('waiting');
    expect(error?.hint).toContain('--resume');
  });

  it.each([['the connection to a node', async () => sessionsOf(cp2).forEach((pid) => process.kill(pid, 'SIGKILL'))]])(
    'follows on after the loss of %s',
    async (_, lose) => {
      await cp2.hold();
      const running = all.start(...all.recover(['--yes', '--json']));
      await vi.waitFor(async () => expect(await cp2.calls()).toHaveLength(1), WAIT);
      await lose();
      await vi.waitFor(() => expect(running.stderr()).toContain('cp2: the connection was lost'), WAIT);
      await cp2.release();
      const ended = await running.ended;
      expect(documentOf(ended).result?.outcome, ended.stderr).toBe('done');
      expect(ended.stderr).toContain('cp2: connected again');
      expect(await cp2.calls()).toHaveLength(2);
    },
  );

  it('is followed again after it was killed, while the nodes go on', async () => {
    await cp2.hold();
    const killed = all.start(...all.recover(['--yes', '--json']));
    await vi.waitFor(async () => expect(await cp2.calls()).toHaveLength(1), WAIT);
    killed.child.kill('SIGKILL');
    await killed.ended;
    // The lock of the killed process ends with its connection.
    await vi.waitFor(async () => {
      const { error } = documentOf(await recover('--yes'));
      expect([error?.code, error?.message]).toEqual([
        'NODES_UNFIT',
        expect.stringContaining('cp2: an earlier recovery still goes on there'),
      ]);
    }, WAIT);
    const second = all.start(...all.recover(['--resume', '--yes', '--json']));
    await vi.waitFor(() => expect(second.stderr()).toContain('cp2: a run goes on there; following it'), WAIT);
    await cp2.release();
    const ended = await second.ended;
    expect(documentOf(ended).result?.outcome, ended.stderr).toBe('done');
    expect(await cp2.calls()).toHaveLength(2);
    expect(await cp2.left()).toEqual(['nodes.lock']);
  });

  it('refuses a second process on the same nodes, by the name of the first', async () => {
    await cp2.hold();
    const first = all.start(...all.recover(['--yes', '--json']));
    await vi.waitFor(async () => expect(await cp2.calls()).toHaveLength(1), WAIT);
    const second = await recover('--yes', '--resume');
    const { error } = documentOf(second);
    expect([second.exitCode, error?.code]).toEqual([4, 'NODES_BUSY']);
    expect(error?.subject).toContain(`process ${first.child.pid}`);
    await cp2.release();
    expect(documentOf(await first.ended).result?.outcome).toBe('done');
  });

  it('passes Ctrl-C on to the nodes, and waits for their safe points', async () => {
    for (const machine of all.machines) await machine.hold();
    const running = all.start(...all.recover(['--yes', '--json']));
    await vi.waitFor(async () => {
      for (const machine of all.machines) expect(await machine.calls()).toHaveLength(1);
    }, WAIT);
    await vi.waitFor(() => expect(running.stderr()).toContain('cp3: renew  apiserver'), WAIT);
    running.child.kill('SIGINT');
    await vi.waitFor(() => expect(running.stderr()).toContain('cp1: stopping at the next safe point'), WAIT);
    for (const machine of all.machines) await machine.release();
    const ended = await running.ended;
    expect([ended.exitCode, documentOf(ended).error?.code], ended.stderr).toEqual([130, 'INTERRUPTED']);
  });

  it('rolls back every node in reverse, and refuses a run that it does not know', async () => {
    const { result } = documentOf(await recover('--yes'));
    const ended = await all.run('rollback', result?.runId ?? '', '--program', all.program, '--yes', '--json');
    const { result: undone } = documentOf(ended);
    expect([ended.exitCode, undone?.nodes?.map(({ name }) => name)], ended.stderr).toEqual([0, ['cp3', 'cp2', 'cp1']]);
    for (const machine of all.machines) expect((await machine.calls()).at(-1)).toMatch(/^rollback r2 --yes --json/);
    const unknown = await all.run(
      'rollback',
      'nodes-20261130T120000Z-0000',
      '--program',
      all.program,
      '--yes',
      '--json',
    );
    expect([unknown.exitCode, documentOf(unknown).error?.code]).toEqual([4, 'NODES_RUN_NOT_FOUND']);
  });

  describe('refuses, with the names of the nodes and nothing changed,', () => {
    const refusal = async (...flags: readonly string[]): Promise<string> => {
      const ended = await recover('--yes', ...flags);
      const { error } = documentOf(ended);
      expect([ended.exitCode, error?.code], ended.stderr).toEqual([4, 'NODES_UNFIT']);
      await expectUntouched();
      return error?.message ?? '';
    };

    it('a CA that differs between nodes', async () => {
      await writeFile(path.join(path.dirname(cp2.state), 'kubernetes/pki/ca.crt'), 'another CA\n');
      expect(await refusal()).toContain('the cluster CA of cp1 and cp3 differs from that of cp2');
    });

    it('a node that is no member of etcd, and a member that is not named', async () => {
      await cp3.behave({ members: [] });
      await cp1.behave({ members: ['cp1', 'cp2', 'cp4'] });
      const message = await refusal();
      expect(message).toContain('cp3 is no member of etcd');
      expect(message).toContain('the member cp4 of etcd is not among the nodes');
    });

    it('to leave out so many members that the rest is no majority', async () => {
      await cp1.behave({ members: ['cp1', 'cp2', 'cp3', 'cp4', 'cp5', 'cp6'] });
      expect(await refusal('--without', 'cp4', '--without', 'cp5', '--without', 'cp6')).toContain(
        'without cp4, cp5, cp6 etcd has 3 of 6 members, and needs 4',
      );
    });

    it('an interrupted run without --resume', async () => {
      await cp2.behave({ members: ['cp2', 'cp1', 'cp3'], run: { outcome: 'interrupted' } });
      expect(await refusal()).toContain('cp2: its run r1 was interrupted');
    });

    it('a program that does not run there', async () => {
      await writeFile(all.program, '#!/bin/sh\necho no library >&2\nexit 1\n');
      expect(await refusal()).toContain('cp1: the program does not run there: no library (PROGRAM_UNUSABLE)');
    });

    it('a node that cannot be reached', async () => {
      await cp3.server.stop();
      const ended = await recover('--yes');
      expect(documentOf(ended).error?.message).toMatch(/cp3: cannot connect to the machine over SSH/);
    });
  });

  it('refuses nodes whose clocks differ by more than the start of a new certificate', async () => {
    await all.remove();
    await begin({ dates: { cp2: 'echo $(($(/bin/date +%s) - 400))' } });
    const ended = await recover('--yes');
    const { error } = documentOf(ended);
    expect([ended.exitCode, error?.code]).toEqual([4, 'NODES_UNFIT']);
    expect(error?.message).toMatch(/the clock of cp2 is (?:399|400|401) s behind that of cp[13]/);
    await expectUntouched();
  });

  it('keeps a record for root alone, with how the nodes are reached and no key', async () => {
    await recover('--yes');
    const directory = path.join(path.dirname(all.program), 'own/kube-rescue/nodes');
    const [name = ''] = await readdir(directory);
    const record = JSON.parse(await readFile(path.join(directory, name), 'utf8')) as Readonly<Record<string, unknown>>;
    expect(record).toMatchObject({ version: 1, outcome: 'done' });
    expect(JSON.stringify(record)).not.toContain('PRIVATE');
  });
});

describe('recover --nodes refuses', () => {
  it.each([
    [['--nodes', 'cp1,cp1'], 'NODES_INVALID', 'cp1 is named twice'],
    [['--nodes', 'cp1,'], 'NODES_INVALID', '"" is not the name of a node'],
    [['--nodes-file', '/none.yaml'], 'NODES_INVALID', 'no such file'],
    [['--nodes', 'cp1,cp2', '--certs', 'x'], 'USAGE', '--certs concerns one node'],
    [['--program', 'x'], 'USAGE', '--program needs --nodes'],
    [['--nodes', 'cp1', '--program', '/none'], 'PROGRAM_NOT_GIVEN', 'there is no such file to carry'],
  ])('%j with %s', async (flags, code, message) => {
    const { runCli } = await import('../cli-process.fixture.ts');
    const ended = await runCli(['recover', ...flags, '--yes', '--json']);
    const { error } = documentOf(ended);
    expect([ended.exitCode, error?.code]).toEqual([2, code]);
    expect(error?.message).toContain(message);
  });
});
