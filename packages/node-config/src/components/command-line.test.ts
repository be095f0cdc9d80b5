import { describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.ts';

const flagsOf = (...words: string[]) => Object.fromEntries(readCommandLine(words).flags);

describe('flags are parsed as by the components', () => {
  it('with an equals sign, in two words, with one dash, with underscores, the last one wins', () => {
    expect(
      flagsOf('kube-apiserver', '--a=1', '--b', '2', '-v=3', '--tls_cert_file=/x', '--a=4', '--on', '--c=x=y', '--d='),
    ).toEqual({
      a: '4',
      b: '2',
      v: '3',
      'tls-cert-file': '/x',
      on: 'true',
      c: 'x=y',
      d: '',
    });
  });

  it('a negative number is a value, and words after -- are not flags', () => {
    expect(flagsOf('etcd', '--n', '-1', '--', '--x=1')).toEqual({ n: '-1' });
  });
});

describe('a component is found anywhere in a command line', () => {
  it.each([
    ['its path', ['/usr/local/bin/kube-apiserver', '--a=1']],
    ['a wrapper', ['/go-runner', '--log-file=/x', '/usr/local/bin/kube-apiserver', '--a=1']],
    ['a shell', ['/bin/sh', '-c', 'exec kube-apiserver --a=1']],
    [
      'a shell that logs to a file',
      ['sh', '-ec', 'mkfifo /p; (tee -a /l < /p &) ; exec /usr/bin/kube-apiserver \\\n --a=1 > /p 2>&1'],
    ],
    ['assignments and a pipe', ['bash', '-c', 'FOO=1 kube-apiserver "--a=1" | tee --b=2']],
    ['hyperkube', ['/hyperkube', 'apiserver', '--a=1']],
    ['hyperkube with the full name', ['hyperkube', 'kube-apiserver', '--a=1']],
  ])('%s', (_, words) => {
    const { program, flags } = readCommandLine(words);
    expect(program).toBe('kube-apiserver');
    expect([...flags]).toEqual([['a', '1']]);
  });

  it('and words with shell expansions are ignored', () => {
    const script = `kube-apiserver --a=$HOST --b="\${IP}" --c=\`id\` --d='$plain' --e="x y" --f=\\$g`;
    expect(flagsOf('sh', '-c', script)).toEqual({ d: '$plain', e: 'x y', f: '$g' });
  });

  it('and an image entrypoint has flags without a program', () => {
    expect(readCommandLine(['--a=1'])).toEqual({ program: undefined, flags: new Map([['a', '1']]) });
    expect(readCommandLine([])).toEqual({ program: undefined, flags: new Map() });
  });
});
