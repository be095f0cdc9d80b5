import { describe, expect, it } from 'vitest';
import { WorkflowError } from '@kube-rescue/workflow';
import { CliError } from './errors.ts';
import { reportError, wrapError, wrapResult } from './envelope.ts';

describe('the JSON envelope', () => {
  it('holds the result and the warnings of a success', () => {
    expect(wrapResult({ runs: [] }, ['one is late'])).toEqual({
      apiVersion: 'kube-rescue/v1',
      ok: true,
      result: { runs: [] },
      warnings: ['one is late'],
    });
  });

  it('holds every field of a failure, with null for missing ones', () => {
    const error = new WorkflowError({ code: 'PLAN_STALE', message: 'the node has changed', subject: 'node01' });
    expect(JSON.parse(JSON.stringify(wrapError(error, [])))).toEqual({
      apiVersion: 'kube-rescue/v1',
      ok: false,
      error: { code: 'PLAN_STALE', message: 'the node has changed', hint: null, subject: 'node01' },
      warnings: [],
    });
  });

  it('keeps the partial result of a failed command', () => {
    const error = new CliError({ code: 'ROLLBACK_INCOMPLETE', message: 'no proof of life' });
    expect(wrapError(error, [], { proofs: [] })).toMatchObject({ ok: false, result: { proofs: [] } });
  });
});

describe('the report of a failure', () => {
  it('calls an unexpected error a bug', () => {
    expect(reportError(new TypeError('x is not a function'))).toMatchObject({
      code: 'BUG',
      message: 'x is not a function (this is a bug of kube-rescue)',
    });
  });

  it('redacts a private key in an unexpected error', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMIIEsecret\n-----END PRIVATE KEY-----';
    expect(reportError(new Error(`cannot parse ${pem}`)).message).not.toContain('MIIEsecret');
  });

  it('leaves no escape sequence in the message', () => {
    const error = new CliError({ code: 'DECLINED', message: 'no \u001b[31mCA' });
    expect(reportError(error).message).toBe('no \\x1b[31mCA');
  });

  it('prints a parser error on one line, without colours and advice', () => {
    const message = 'Parsing --days \n\t\u001b[2mx is not a number of days\u001b[22m\nSee more help with --help';
    expect(reportError(Object.assign(new Error(message), { oclif: {} }))).toMatchObject({
      code: 'USAGE',
      message: '--days: x is not a number of days',
    });
  });

  it('names an unknown command as it was typed', () => {
    const unknown = Object.assign(new Error('command certs:nope not found'), { oclif: {} });
    expect(reportError(unknown)).toMatchObject({ code: 'USAGE', message: 'command certs nope not found' });
  });

  it('calls an aborted wait an interruption', () => {
    const error = Object.assign(new Error('aborted'), { name: 'ExitPromptError' });
    expect(reportError(error)).toMatchObject({ code: 'INTERRUPTED' });
    expect(reportError(new DOMException('aborted', 'AbortError'))).toMatchObject({ code: 'INTERRUPTED' });
  });
});
