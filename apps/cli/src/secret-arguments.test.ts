import { generateIdentity } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { runCli } from './cli-process.fixture.ts';
import { hideValues, secretArguments } from './secret-arguments.ts';

const AWS_SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

describe('the values in a command line that no message quotes', () => {
  it.each([
    ['a recipient', ['--backup-recipient', 'AGE-SECRET-KEY-1ABC'], ['AGE-SECRET-KEY-1ABC']],
    ['a recipient after =', ['--backup-recipient=AGE-SECRET-KEY-1ABC'], ['AGE-SECRET-KEY-1ABC']],
    ['a secret instead of its file', ['--aws-credentials', AWS_SECRET], [AWS_SECRET]],
    ['a flag that does not exist', ['--db-password=hunter2'], ['hunter2']],
    ['an assigned value', ['--set', 'data.password=hunter2'], ['hunter2']],
    ['a short one', ['--token', 'abc'], ['abc']],
  ])('include %s', (_, argv, expected) => {
    expect(secretArguments(argv)).toEqual(expected);
  });

  it.each([
    [['--aws-credentials', 'keys.json']],
    [['--aws-credentials', './keys']],
    [['--aws-credentials', '/root/.aws/credentials']],
    [['--aws-credentials', '-']],
    [['--backup-identity', '/root/key.txt']],
    [['--set', 'data.tls.crt=@tls.crt']],
    [['--set', 'data.x=null']],
    [['--root', '/mnt/node01']],
    [['--kubernetes-dir', '/etc/kubernetes']],
  ])('do not include those of %j', (argv) => {
    expect(secretArguments(argv)).toEqual([]);
  });

  it('are replaced, short ones only where they stand alone', () => {
    expect(hideValues(`no ${AWS_SECRET} here`, [AWS_SECRET])).toBe('no [hidden] here');
    expect(hideValues('abc and abcde', ['abc'])).toBe('[hidden] and abcde');
  });
});

describe('an error message', () => {
  const long = 'hunter2hunter2hunter2/hunter2+xyz==';
  it.each([
    ['an unreadable file of keys', ['dns', 'check', '--domain', 'a.example.com', '--aws-credentials', AWS_SECRET]],
    [
      'a doubled slash',
      ['dns', 'check', '--domain', 'a.example.com', '--aws-credentials', 'wJalr//XUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY1'],
    ],
    ['flags that exclude each other', ['dns', 'set-credentials', '--profile', 'x', '--aws-credentials', AWS_SECRET]],
    ['an identity instead of its file', ['rollback', 'x', '--backup-identity', long]],
    ['an unknown flag', ['recover', '--token', long]],
    ['an unknown flag with =', ['recover', `--token=${long}`]],
    ['a setting without its file', ['manifests', 'checkpoint', '--dry-run', '--set', `kube-system/x/key=${long}`]],
    ['a setting without a path', ['etcd', 'patch', 'secret', 'x', '--set', `=${long}`]],
    ['a recipient that is a password', ['certs', 'renew', '--yes', '--backup-recipient', long]],
  ])('does not quote a secret: %s', async (_, argv) => {
    const secret =
      argv
        .at(-1)
        ?.split('=')
        .filter((part) => part.length > 20)[0]
        ?.split('/')
        .toSorted((a, b) => b.length - a.length)[0] ?? '';
    expect(secret.length).toBeGreaterThan(6);
    for (const json of [[], ['--json']]) {
      const ended = await runCli([...argv, ...json]);
      expect([2, 4]).toContain(ended.exitCode);
      expect(ended.stdout + ended.stderr).not.toContain(secret);
    }
  });

  it('never quotes an age identity, in no position and in no case', async () => {
    const identity = await generateIdentity();
    for (const given of [identity, identity.toLowerCase()]) {
      for (const argv of [
        ['certs', 'renew', '--yes', '--backup-recipient', given],
        ['certs', 'renew', '--yes', `--backup-recipient=${given}`],
        ['recover', '--yes', '--backup-recipient', 'age1x', '--backup-recipient', given],
        ['rollback', 'x', '--backup-identity', given],
        ['rollback', given],
        ['report', given],
        [given],
        ['recover', given],
      ]) {
        const ended = await runCli([...argv, '--json']);
        expect(ended.exitCode, argv.join(' ')).not.toBe(0);
        expect((ended.stdout + ended.stderr).toLowerCase()).not.toContain(identity.slice(15, 40).toLowerCase());
      }
    }
    const hinted = await runCli(['certs', 'renew', '--yes', '--backup-recipient', identity]);
    expect(hinted.stderr).toContain('age-keygen -y');
  });
});
