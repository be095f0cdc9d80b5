import { type ErrorCode, type ErrorKind, type ErrorTables, RecoveryError } from '@kube-rescue/errors';
import { PKI_ERRORS } from '@kube-rescue/cert-rotation';
import { OBJECT_ERRORS } from '@kube-rescue/cluster-objects';
import { CNI_ERRORS } from '@kube-rescue/cni-bootstrap';
import { ETCD_ERRORS } from '@kube-rescue/etcd-access';
import { HOST_ERRORS } from '@kube-rescue/host';
import { INGRESS_DNS_ERRORS } from '@kube-rescue/ingress-dns';
import { LAB_ERRORS } from '@kube-rescue/lab';
import { NODE_ERRORS } from '@kube-rescue/node';
import { NODE_CONFIG_ERRORS } from '@kube-rescue/node-config';
import { JOIN_ERRORS } from '@kube-rescue/node-join';
import { POD_ERRORS } from '@kube-rescue/pod-bootstrap';
import { MANIFEST_ERRORS } from '@kube-rescue/static-manifests';
import { WORKFLOW_ERRORS } from '@kube-rescue/workflow';
import { X509_ERRORS } from '@kube-rescue/x509';
import { CLI_ERRORS } from './errors.ts';
import { describe, expect, it } from 'vitest';
import { EXIT, EXIT_MEANINGS, exitCodeFor } from './exit-codes.ts';

const TABLES: { readonly [P in keyof ErrorTables]: ErrorTables[P] } = {
  'cert-rotation': PKI_ERRORS,
  'cluster-objects': OBJECT_ERRORS,
  'cni-bootstrap': CNI_ERRORS,
  'etcd-access': ETCD_ERRORS,
  host: HOST_ERRORS,
  'ingress-dns': INGRESS_DNS_ERRORS,
  lab: LAB_ERRORS,
  node: NODE_ERRORS,
  'node-config': NODE_CONFIG_ERRORS,
  'node-join': JOIN_ERRORS,
  'pod-bootstrap': POD_ERRORS,
  'static-manifests': MANIFEST_ERRORS,
  workflow: WORKFLOW_ERRORS,
  x509: X509_ERRORS,
  cli: CLI_ERRORS,
};
const KINDS = Object.values(TABLES).reduce<Partial<Record<ErrorCode, ErrorKind>>>(
  (all, table) => ({ ...all, ...table }),
  {},
);
const CODES = Object.keys(KINDS) as readonly ErrorCode[];

function failure(code: ErrorCode): RecoveryError {
  return new RecoveryError({ code, message: 'it failed' }, KINDS as Readonly<Record<ErrorCode, ErrorKind>>);
}

describe('the exit status', () => {
  it.each([
    ['USAGE', 2],
    ['CONFIRMATION_REQUIRED', 2],
    ['PLAN_FILE_INVALID', 2],
    ['HOST_PATH_INVALID', 2],
    ['RUN_NOT_FOUND', 2],
    ['MANIFEST_UNKNOWN', 2],
    ['PKI_CERTIFICATE_UNKNOWN', 2],
    ['PKI_LIFETIME_INVALID', 2],
    ['WORKFLOW_STEP_UNKNOWN', 2],
    ['WORKFLOW_REQUIREMENT_SKIPPED', 2],
    ['DRILL_PROOF_FAILED', 3],
    ['WORKFLOW_BLOCKED', 4],
    ['PLAN_STALE', 4],
    ['RUN_UNFINISHED', 4],
    ['HOST_LOCKED', 4],
    ['HOST_READ_ONLY', 4],
    ['NOT_ROOT', 4],
    ['DECLINED', 4],
    ['PKI_CA_KEY_MISSING', 4],
    ['PKI_KUBECONFIG_INVALID', 4],
    ['MANIFEST_INVALID', 4],
    ['OBJECT_KIND_UNKNOWN', 2],
    ['ETCD_ENDPOINT_INVALID', 2],
    ['PKI_NAME_INVALID', 2],
    ['POD_CONTROLLER_UNSUPPORTED', 2],
    ['DNS_CREDENTIALS_NOT_FOUND', 2],
    ['DNS_CREDENTIALS_UNREADABLE', 2],
    ['LAB_BUILD_FAILED', 3],
    ['LAB_COMMAND_FAILED', 3],
    ['LAB_DEADLINE_PASSED', 3],
    ['DRILL_UNSUPPORTED', 4],
    ['APPLY_ROLLED_BACK', 5],
    ['ROLLBACK_INCOMPLETE', 6],
    ['RUN_CUT_OFF', 6],
    ['LAB_NOT_REMOVED', 6],
    ['NOT_VERIFIED', 7],
    ['INTERRUPTED', 130],
  ] as const)('of %s is %i', (code, exit) => {
    expect(exitCodeFor(failure(code))).toBe(exit);
  });

  it('is one number for every code, and "refused" for no code that reports changes', () => {
    const exits = new Map(CODES.map((code) => [code, exitCodeFor(failure(code))]));
    expect(exits.size).toBeGreaterThan(200);
    expect([...exits].filter(([, exit]) => exit === EXIT.bug)).toEqual([]);
    const usage = CODES.filter((code) => KINDS[code] === 'usage');
    expect(usage.filter((code) => exits.get(code) !== EXIT.usage)).toEqual([]);
  });

  it('of an error that nobody expected says that it is our bug', () => {
    expect(exitCodeFor(new TypeError('x is not a function'))).toBe(1);
    expect(exitCodeFor('a string')).toBe(1);
  });

  it('of an error from the flag parser says that the usage was wrong', () => {
    expect(exitCodeFor(Object.assign(new Error('Nonexistent flag: --foo'), { oclif: { exit: 1 } }))).toBe(2);
  });

  it.each(['AbortError', 'ExitPromptError', 'AbortPromptError'])('of an %s is that of an interruption', (name) => {
    expect(exitCodeFor(Object.assign(new Error('stopped'), { name }))).toBe(130);
  });

  it('has one meaning for every number', () => {
    const numbers = EXIT_MEANINGS.map(([code]) => code);
    expect(numbers).toEqual(Object.values(EXIT));
    expect(new Set(EXIT_MEANINGS.map(([, meaning]) => meaning)).size).toBe(numbers.length);
  });
});
