import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AttackedNode, startAttackedNode, USER } from './attacked-node.fixture.ts';

const STATE = '/var/lib/kube-rescue';
const ID = '20261127T101010Z-abcd';
const CRON = '* * * * * root touch /pwned\n';
const DIGEST = createHash('sha256').update(CRON).digest('hex');
/** A run of version 1: "the file /etc/cron.d/x was there, with these bytes, and was replaced". */
const JOURNAL = [
  { type: 'run', version: 1, id: ID, playbook: 'recover', host: 'cp1', at: '2026-11-27T10:10:10.000Z' },
  {
    type: 'intent',
    seq: 0,
    step: 'pki/renew/apiserver',
    change: {
      kind: 'file.replace',
      target: '/etc/cron.d/x',
      before: DIGEST,
      after: 'absent',
      mode: 0o644,
      uid: 0,
      gid: 0,
    },
    captured: { state: { kind: 'file', digest: DIGEST, mode: 0o644, uid: 0, gid: 0 }, kept: DIGEST, after: 'absent' },
  },
]
  .map((record) => `${JSON.stringify(record)}\n`)
  .join('');
/** `$1`: the state directory. */
const PLANT = `set -e; umask 022; r="$1/runs/${ID}"; mkdir -p "$r/backup"; printf %s "$2" >"$r/backup/${DIGEST}"; printf %s "$3" >"$r/journal.jsonl"`;

/** How the user's files get to where runs are kept. */
const OPENINGS: readonly (readonly [what: string, before: string, after: string])[] = [
  ['a directory that all can write', `mkdir -m 777 ${STATE}`, ':'],
  ['a directory with the sticky bit', `mkdir -m 1777 ${STATE}`, ':'],
  ['a directory of the user', `mkdir ${STATE}; chown ${USER} ${STATE}`, ':'],
  ['a directory of the user, made private later', `mkdir -m 777 ${STATE}`, `chown root ${STATE}; chmod 700 ${STATE}`],
  ['a link to the home of the user', 'true', `ln -s "$HOME_OF_USER/state" ${STATE}`],
  ['runs of the user', `mkdir -m 711 ${STATE}; mkdir -m 777 ${STATE}/runs`, `chmod 755 ${STATE}/runs`],
  ['runs behind a link', `mkdir -m 755 ${STATE}`, `ln -s "$HOME_OF_USER/state/runs" ${STATE}/runs`],
];
const COMMANDS = [
  'runs',
  `rollback ${ID} --yes`,
  'rollback latest --yes',
  `report ${ID}`,
  'recover --resume --yes',
  'certs renew --yes',
];

describe('a user who plants a run', () => {
  let node: AttackedNode;
  beforeEach(async () => {
    node = await startAttackedNode();
  });
  afterEach(() => node?.remove());

  it.each(OPENINGS)('in %s: no command reads it', async (_, before, after) => {
    const opened = await node.asRoot(before);
    expect(opened).toMatchObject({ exitCode: 0, stderr: '' });
    const inHome = before === 'true' || before.includes('755');
    const planted = await node.asUser(PLANT, inHome ? `${node.home}/state` : STATE, CRON, JOURNAL);
    expect(planted).toMatchObject({ exitCode: 0, stderr: '' });
    await node.asRoot(`export HOME_OF_USER='${node.home}'; ${after}`);
    const trees = ['/etc/kubernetes', '/var/lib/kubelet', `${STATE}/runs`, '/etc/cron.d', node.home];
    const whole = await Promise.all(trees.map((tree) => node.snapshot(tree)));
    for (const line of COMMANDS) {
      const { exitCode, stdout, stderr } = await node.rescue(...line.split(' '), '--json');
      // A list names the run that it does not read.
      expect(line === 'runs' ? [3, 4] : [4], `${line}\n${stdout}\n${stderr}`).toContain(exitCode);
      expect(stdout).toContain('SOURCE_UNTRUSTED');
      expect(stdout).toContain(STATE);
      expect(stdout).not.toContain('cron');
    }
    expect(await Promise.all(trees.map((tree) => node.snapshot(tree)))).toEqual(whole);
  });

  it.each([
    ['a file of the user', `: >${STATE}/lock; chown ${USER} ${STATE}/lock`],
    ['a link to a file of root', `ln -s "$VICTIM" ${STATE}/lock`],
    ['a second name of a file of root', `cp "$VICTIM" ${STATE}/other; ln ${STATE}/other ${STATE}/lock`],
    ['a FIFO', `mkfifo ${STATE}/lock`],
    ['a directory', `mkdir ${STATE}/lock`],
  ])('or a lock that is %s: nothing is written', async (_, line) => {
    await node.asRoot(`mkdir -m 700 ${STATE}; VICTIM='${node.victim}'; ${line}`);
    const before = await node.snapshot('/etc/kubernetes');
    const { exitCode, stdout } = await node.rescue('certs', 'renew', '--yes', '--json');
    expect(exitCode, stdout).toBe(4);
    expect(await node.snapshot('/etc/kubernetes')).toBe(before);
    expect((await node.asRoot(`cat '${node.victim}'`)).stdout).toBe("root's own file\n");
  });
});
