import { describe, expect, it } from 'vitest';
import type { NodeState } from '../pods/node-state.ts';
import { toPod } from '../pods/pod.ts';
import { diagnosePod, type PodObservations } from './pod-diagnosis.ts';

const NODE: NodeState = {
  name: 'cp1',
  isHeartbeatFresh: true,
  lastHeartbeat: new Date(0),
  isReady: true,
  message: undefined,
};
const RUNNING = {
  phase: 'Running',
  startTime: '2026-11-22T12:00:00Z',
  containerStatuses: [{ name: 'a', state: { running: { startedAt: '2026-11-22T12:00:00Z' } } }],
};
const CREATING = {
  phase: 'Pending',
  startTime: '2026-11-22T12:00:00Z',
  containerStatuses: [{ name: 'a', state: { waiting: { reason: 'ContainerCreating' } } }],
};

function diagnose(status: object, rest: Partial<PodObservations> = {}, spec: object = {}) {
  const metadata = { name: 'kube-scheduler-rescue', namespace: 'kube-system' };
  const object = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'cp1', ...spec }, status };
  const pod = toPod(object);
  return diagnosePod({ pod, node: NODE, events: [], log: [], apiService: '10.3.0.1:443', ...rest });
}

const event = (reason: string, message: string): Partial<PodObservations> => ({ events: [{ reason, message }] });
const log = (...lines: readonly string[]): Partial<PodObservations> => ({ log: lines });

describe('a running pod that does not work', () => {
  it.each([
    ['timeout', 'Get "https://10.3.0.1:443/api/v1/nodes": dial tcp 10.3.0.1:443: i/o timeout', 'i/o timeout'],
    ['no route', 'error: dial tcp 10.3.0.1:443: connect: no route to host', 'no route to host'],
    [
      'refusal',
      'error retrieving resource lock: dial tcp 10.3.0.1:443: connect: connection refused',
      'connection refused',
    ],
  ])('waits for service routes: %s', (_, line, fault) => {
    expect(diagnose(RUNNING, log('starting', line, 'retrying'))).toMatchObject({
      code: 'POD_SERVICE_ROUTES_MISSING',
      reason: `waits for service routes (kube-proxy): the API server's Service address 10.3.0.1:443 gives ${fault}`,
    });
  });

  it('does not wait for kube-proxy for another address', () => {
    const found = diagnose(RUNNING, log('dial tcp 10.200.0.11:6443: connect: connection refused'));
    expect(found).toMatchObject({
      code: 'POD_API_UNREACHABLE',
      reason: 'does not reach 10.200.0.11:6443: connection refused',
    });
  });

  it.each([
    'x509: certificate signed by unknown authority',
    'x509: certificate has expired or is not yet valid: current time is after 2026-11-01T00:00:00Z',
  ])('trusts an old CA: %s', (text) => {
    const found = diagnose(RUNNING, log(`Failed to list *v1.Service: Get "https://10.3.0.1:443/api": ${text}`));
    expect(found.code).toBe('POD_CA_OUTDATED');
    expect(found.hint).toContain('kube-controller-manager');
    expect(found.hint).toContain('kube-root-ca.crt');
  });

  it.each([
    ['POD_TOKEN_REFUSED', 'Failed to list *v1.Node: Unauthorized'],
    ['POD_PORT_TAKEN', 'listen tcp 127.0.0.1:10259: bind: address already in use'],
  ])('has its own diagnosis: %s', (code, line) => expect(diagnose(RUNNING, log(line)).code).toBe(code));

  it('is diagnosed by its last log lines', () => {
    const lines = ['dial tcp 10.3.0.1:443: i/o timeout', 'x509: certificate signed by unknown authority'];
    expect(diagnose(RUNNING, log(...lines)).code).toBe('POD_CA_OUTDATED');
    expect(diagnose(RUNNING, log(...lines.toReversed())).code).toBe('POD_SERVICE_ROUTES_MISSING');
  });

  it('hides a token in its log', () => {
    const found = diagnose(RUNNING, log('token: hunter2'));
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});

describe('a pod that does not start', () => {
  it.each([
    [
      'POD_NETWORK_NOT_READY',
      'FailedCreatePodSandBox',
      `plugin type="flannel" failed (add): failed to load flannel 'subnet.env' file: open /run/flannel/subnet.env: no such file or directory`,
    ],
    [
      'POD_NETWORK_NOT_READY',
      'NetworkNotReady',
      'network is not ready: runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
    ],
    [
      'POD_VOLUME_MISSING',
      'FailedMount',
      'MountVolume.SetUp failed for volume "s" : secret "kube-controller-manager" not found',
    ],
    ['POD_IMAGE_UNAVAILABLE', 'Failed', 'Failed to pull image "hyperkube:v1": rpc error'],
  ])('for a reason in its events: %s, %s', (code, reason, message) => {
    expect(diagnose(CREATING, event(reason, message))).toMatchObject({ code, isFinal: false });
  });

  it('because its image is missing and must not be pulled', () => {
    const waiting = {
      reason: 'ErrImageNeverPull',
      message: 'Container image "x" is not present with pull policy of Never',
    };
    expect(diagnose({ ...CREATING, containerStatuses: [{ name: 'a', state: { waiting } }] }).code).toBe(
      'POD_IMAGE_UNAVAILABLE',
    );
  });

  it('because its kubelet rejects it permanently', () => {
    const found = diagnose({ phase: 'Failed', reason: 'NodePorts', message: 'Predicate NodePorts failed' });
    expect(found).toMatchObject({ code: 'POD_REJECTED', isFinal: true });
    expect(found.reason).toContain('Predicate NodePorts failed');
  });

  it('because its kubelet has not accepted it', () => {
    expect(diagnose({ phase: 'Pending' }).code).toBe('POD_NOT_STARTED');
  });

  it('because its node is gone, whatever its status', () => {
    const node = { ...NODE, isHeartbeatFresh: false };
    const conditions = [{ type: 'Ready', status: 'True' }];
    expect(diagnose({ ...RUNNING, conditions }, { node }).code).toBe('POD_NODE_NOT_REPORTING');
    expect(diagnose(RUNNING, { node: undefined }).code).toBe('POD_NODE_NOT_FOUND');
  });

  it('because its program crashes for an unknown reason', () => {
    const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } };
    const lastState = { terminated: { reason: 'Error', exitCode: 2 } };
    const found = diagnose(
      { ...CREATING, containerStatuses: [{ name: 'a', restartCount: 3, state, lastState }] },
      log('flag provided but not defined: -x'),
    );
    expect(found).toMatchObject({ code: 'POD_CRASHING', reason: 'crashes repeatedly: container a with exit code 2' });
    expect(found.evidence).toContain('log: flag provided but not defined: -x');
  });
});
