import { PkiError } from '@kube-rescue/cert-rotation';
import { describe, expect, it } from 'vitest';
import { createReporter } from '../reporter.ts';
import { printError } from './error.ts';

const PLAIN = { columns: 80, colour: false, live: false };

function printed(error: unknown, isBug = false): string {
  let text = '';
  const write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk);
    return true;
  };
  printError(error, createReporter({ write }, PLAIN), isBug);
  return text;
}

describe('a failure as text', () => {
  it('has problem, subject, hint and code, within 80 columns', () => {
    const error = new PkiError({
      code: 'PKI_CA_KEY_MISSING',
      message: 'the private key of the cluster CA is not on this node, so nothing can be signed with it',
      subject: '/etc/kubernetes/pki/ca.key',
      hint: 'copy it from another control-plane node or from a backup, mode 0600, owner root',
    });
    expect(printed(error)).toBe(`error: the private key of the cluster CA is not on this node, so nothing can be
       signed with it
  subject: /etc/kubernetes/pki/ca.key
  hint: copy it from another control-plane node or from a backup, mode 0600,
        owner root
  code: PKI_CA_KEY_MISSING
`);
  });

  it('lists several reasons', () => {
    const error = new PkiError({
      ...{ code: 'PKI_SET_UNFIT', message: 'the certificate set does not match this node' },
      reasons: ['no apiserver.crt', 'no ca.key'],
    });
    expect(printed(error)).toBe(
      'error: the certificate set does not match this node:\n  - no apiserver.crt\n  - no ca.key\n  code: PKI_SET_UNFIT\n',
    );
  });

  it('adds the stack to a bug, and to nothing else', () => {
    const bug = new TypeError('x is not a function');
    expect(printed(bug, true)).toContain('at ');
    expect(printed(bug)).not.toContain('    at ');
  });
});

describe('whatever is printed', () => {
  it('shows control characters of foreign names, with colours and without', () => {
    for (const terminal of [PLAIN, { ...PLAIN, colour: true }]) {
      let text = '';
      const write = (chunk: string | Uint8Array): boolean => {
        text += String(chunk);
        return true;
      };
      createReporter({ write }, terminal).print('a pod called \u001b]0;owned\u0007 and \u202etxt.exe');
      expect(text).toBe('a pod called \\x1b]0;owned\\x07 and \\u{202e}txt.exe\n');
    }
  });
});

describe('a warning as text', () => {
  it('is within 80 columns, and redacts secrets in text and JSON', () => {
    let text = '';
    const write = (chunk: string | Uint8Array): boolean => {
      text += String(chunk);
      return true;
    };
    const reporter = createReporter({ write }, PLAIN);
    reporter.warn(
      'read from etcd: while the API server is down, pods show the last reported status; password: hunter2',
    );
    expect(text).toBe(`warning: read from etcd: while the API server is down, pods show the last
         reported status; password: [redacted]
`);
    expect(reporter.warnings.join()).not.toContain('hunter2');
  });
});
