import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import Recover from '../commands/recover.ts';
import { nodeFlags } from '../flags.ts';
import { recordFlags, toFlagWords, toPresentWords } from './recorded-flags.ts';

const toPath = (text: string) => hostPath(`/work/${text}`);

describe('the flags that a journal records', () => {
  it('shape the run: values as given or by default, paths made absolute', () => {
    const flags = {
      ...{ days: 30, 'new-keys': true, probe: false, only: ['kubeconfig'], certs: 'set', 'ssh-port': undefined },
      ...{ 'aws-credentials': '-', 'kubernetes-dir': '/etc/kubernetes', 'backup-recipient': ['age1x'] },
    };
    expect(recordFlags(flags, toPath)).toEqual({
      ...{ days: 30, 'new-keys': true, probe: false, only: ['kubeconfig'], certs: '/work/set' },
      ...{ 'aws-credentials': '-', 'kubernetes-dir': '/etc/kubernetes', 'backup-recipient': ['age1x'] },
    });
  });

  it('include neither confirmation, nor secrets, nor what only decrypts or finds the run', () => {
    const flags = { yes: true, 'dry-run': false, json: true, resume: true, root: '/copy', force: true };
    const secrets = { set: ['data.password=hunter2'], 'backup-identity': 'key.txt', plan: 'plan.json' };
    expect(recordFlags({ ...flags, ...secrets }, toPath)).toEqual({});
  });

  it('are given again as the same words', () => {
    const forms = { ...nodeFlags, ...Recover.flags };
    const recorded = {
      days: 30,
      'new-keys': true,
      probe: false,
      resume: true,
      only: ['a', 'b'],
      certs: '/x y',
      gone: 'z',
    };
    expect(toFlagWords(recorded, forms)).toEqual([
      ...['--days=30', '--new-keys', '--no-probe', '--only=a', '--only=b', '--certs=/x y'],
    ]);
    const former = { 'dns-wait': 60, 'expiring-within': 9 };
    expect(toFlagWords(former, forms)).toEqual(['--dns-wait=60', '--expiring-within=9']);
    expect(toFlagWords({ 'new-keys': false, set: ['x'], plan: 'p' }, forms)).toEqual([]);
  });

  it('leave confirmation and output to the present command line', () => {
    const flags = { resume: true, yes: true, json: false, root: '/copy', 'backup-identity': 'key.txt', days: 30 };
    const given = new Set(['resume', 'yes', 'root', 'backup-identity', 'days']);
    expect(toPresentWords(flags, given)).toEqual(['--root=/copy', '--yes', '--resume', '--backup-identity=key.txt']);
  });
});
