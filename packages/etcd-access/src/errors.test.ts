import { describe, expect, it } from 'vitest';
import { CallFailure } from './transport/call-failure.ts';
import { etcdErrorOf } from './transport/call-meaning.ts';
import { isUnanswered, isUnavailable } from '@kube-rescue/errors';
import { EtcdError } from './errors.ts';

const endpoint = 'https://127.0.0.1:2379';
const meaning = (isWrite: boolean, status: number, message: string, delivered = true): string =>
  etcdErrorOf(new CallFailure({ kind: 'status', status, message, delivered }), { endpoint, isWrite }).code;

describe('a response of etcd', () => {
  it.each([
    [11, 'etcdserver: mvcc: required revision has been compacted', 'ETCD_COMPACTED'],
    [8, 'etcdserver: mvcc: database space exceeded', 'ETCD_NO_SPACE'],
    [3, 'etcdserver: request is too large', 'ETCD_TOO_LARGE'],
    [8, 'grpc: received message larger than max (2097162 vs. 2097152)', 'ETCD_TOO_LARGE'],
    [14, 'etcdserver: no leader', 'ETCD_NO_QUORUM'],
    [8, 'etcdserver: too many requests', 'ETCD_BUSY'],
    [15, 'etcdserver: corrupt cluster', 'ETCD_CORRUPT'],
    [7, 'etcdserver: permission denied', 'ETCD_CLIENT_REJECTED'],
    [3, 'etcdserver: key is not provided', 'ETCD_REFUSED'],
  ])('with status %i and %j is the same for reads and writes: %s', (status, message, code) => {
    expect([meaning(false, status, message), meaning(true, status, message)]).toEqual([code, code]);
  });

  it.each([
    [14, 'etcdserver: request timed out', 'ETCD_NO_QUORUM'],
    [14, 'etcdserver: request timed out, possibly due to previous leader failure', 'ETCD_NO_QUORUM'],
    [14, 'etcdserver: leader changed', 'ETCD_UNREACHABLE'],
    [14, 'etcdserver: server stopped', 'ETCD_UNREACHABLE'],
    [4, 'context deadline exceeded', 'ETCD_TIMEOUT'],
    [2, 'raft proposal dropped', 'ETCD_UNREACHABLE'],
  ])('with status %i and %j leaves the outcome of a write unknown; a read is %s', (status, message, code) => {
    expect(meaning(false, status, message)).toBe(code);
    expect(meaning(true, status, message)).toBe('ETCD_OUTCOME_UNKNOWN');
  });

  it('is not needed when a write was never sent', () => {
    const failure = new CallFailure({ kind: 'cut', message: 'closed', delivered: false });
    expect(etcdErrorOf(failure, { endpoint, isWrite: true }).code).toBe('ETCD_UNREACHABLE');
  });
});

describe('a retry', () => {
  it('is allowed when etcd was unavailable, and never when a write may have been made', () => {
    const failure = (code: EtcdError['code']) => new EtcdError({ code, message: 'x', subject: 'x', hint: 'x' });
    expect(isUnavailable(failure('ETCD_UNREACHABLE'))).toBe(true);
    expect(isUnavailable(failure('ETCD_NO_QUORUM'))).toBe(true);
    expect(isUnavailable(failure('ETCD_OUTCOME_UNKNOWN'))).toBe(false);
    expect(isUnavailable(failure('ETCD_TLS_UNTRUSTED'))).toBe(false);
    expect(isUnavailable(new Error('bug'))).toBe(false);
    expect(isUnanswered(failure('ETCD_OUTCOME_UNKNOWN'))).toBe(true);
  });
});
