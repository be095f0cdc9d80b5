import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { describe, expect, it } from 'vitest';
import { describeEdit, maskObject } from './object-mask.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const PLANTED = 'planted-4711';
const CERTIFICATE = 'x'.repeat(900);

function object(kind: string, fields: object, metadata: object = {}): KubernetesObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'one', namespace: 'default', ...metadata }, ...fields };
}

describe('a masked object', () => {
  it('shows the keys of a Secret and the length of their values', () => {
    const masked = maskObject(
      object('Secret', { data: { password: base64(PLANTED), 'ca.crt': base64(CERTIFICATE) }, type: 'Opaque' }),
    );
    expect(masked.data).toEqual({
      // A value of this length could be guessed from its digest.
      password: '(12 bytes)',
      'ca.crt': expect.stringMatching(/^\(900 bytes, SHA-256 [0-9a-f]{8}\.\.\.\)$/),
    });
    expect(masked.type).toBe('Opaque');
  });

  it('hides the copy of a Secret in the kubectl annotation', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data: { password: base64(PLANTED) } }),
      'example.com/team': 'red',
    };
    const masked = maskObject(object('Secret', { data: {} }, { annotations }));
    expect(JSON.stringify(masked)).not.toContain(base64(PLANTED));
    expect(masked.metadata.annotations?.['example.com/team']).toBe('red');
  });

  it('masks keys and tokens in other objects', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIplanted\n-----END PRIVATE KEY-----';
    const masked = maskObject(object('ConfigMap', { data: { 'tls.key': key, mode: 'fast' } }));
    expect(JSON.stringify(masked)).not.toContain('MIIplanted');
    expect(masked.data).toMatchObject({ mode: 'fast' });
  });
});

describe('a secret in the environment of a container', () => {
  const env = [
    { name: 'AWS_SECRET_ACCESS_KEY', value: PLANTED },
    { name: 'LOG_LEVEL', value: 'debug' },
  ];
  const deployment = object('Deployment', { spec: { template: { spec: { containers: [{ name: 'web', env }] } } } });

  it('is hidden, and other variables are shown', () => {
    const text = JSON.stringify(maskObject(deployment));
    expect(text).not.toContain(PLANTED);
    expect(text).toContain('debug');
  });

  it('is hidden in an edit and in the copy of kubectl', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(deployment) };
    const before = object('Deployment', { spec: { env: [{ name: 'TOKEN', value: 'old' }] } }, { annotations });
    const after = { ...before, spec: { env: [{ name: 'TOKEN', value: PLANTED }] } };
    expect(describeEdit(before, after).join()).not.toContain(PLANTED);
    expect(JSON.stringify(maskObject(before))).not.toContain(PLANTED);
  });
});

describe('the description of an edit', () => {
  it('names the changed value of a Secret without the value', () => {
    const before = object('Secret', { data: { a: base64('x'), b: base64('y') } });
    const [line, ...others] = describeEdit(before, { ...before, data: { a: base64(CERTIFICATE), b: base64('y') } });
    expect(others).toEqual([]);
    expect(line).toMatch(/^data\.a: "\(1 byte\)" -> "\(900 bytes, SHA-256 .*\)"$/);
  });

  it('shows values of other objects, long ones by their length', () => {
    const before = object('ConfigMap', { data: { mode: 'slow' } });
    const after = { ...before, data: { mode: 'fast', text: 'x'.repeat(1000) } };
    expect(describeEdit(before, after)).toEqual([
      'data.mode: "slow" -> "fast"',
      expect.stringMatching(/^data\.text: \(none\) -> \(1002 bytes, SHA-256 /),
    ]);
  });

  it('stops after twenty lines and counts the rest', () => {
    const data = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`k${index}`, 'v']));
    const lines = describeEdit(object('ConfigMap', { data: {} }), object('ConfigMap', { data }));
    expect([lines.length, lines.at(-1)]).toEqual([21, 'and 5 more']);
  });
});
