import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { type KubernetesObject, ObjectError, RESOURCE_KINDS, type ResourceKind } from '@kube-rescue/cluster-objects';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretSchema } from '../generated/kubernetes/core_pb.ts';
import { NodeSchema } from '../generated/kubernetes/node_pb.ts';
import { newEnvelope, openEnvelope } from './envelope.ts';
import { FieldMismatch } from './field-mismatch.ts';
import { createStoredValue, readStoredValue } from './stored-value.ts';
import { unknownFields } from './unknown-fields.ts';

const { APIService, Deployment, Node, Secret } = RESOURCE_KINDS;

const text = fc.string({ unit: 'grapheme' }).filter((each) => each.isWellFormed());
const key = fc.stringMatching(/^[-._a-zA-Z0-9]{1,20}$/);
const texts = fc.dictionary(key, text, { maxKeys: 4, noNullPrototype: true });
const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each).toString('base64'));
const time = fc
  .date({ min: new Date('1971-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((date) => `${date.toISOString().slice(0, 19)}Z`);
const metadata = fc.record(
  { labels: texts, annotations: texts, finalizers: fc.array(text, { maxLength: 3 }), generation: fc.nat() },
  { requiredKeys: [] },
);
const secret = fc
  .record(
    { metadata, data: fc.dictionary(key, bytes, { noNullPrototype: true }), immutable: fc.boolean() },
    { requiredKeys: ['metadata'] },
  )
  .map((fields) => objectOf('Secret', { ...fields, type: 'Opaque' }));
const taint = fc.record({ key: text, value: text, effect: text, timeAdded: time }, { requiredKeys: ['key', 'effect'] });
const condition = fc.record({ type: text, status: text, lastHeartbeatTime: time, reason: text });
const node = fc
  .record({
    metadata,
    spec: fc.record(
      { podCIDR: text, taints: fc.array(taint, { maxLength: 4 }), unschedulable: fc.boolean() },
      { requiredKeys: [] },
    ),
    status: fc.record(
      {
        capacity: fc.dictionary(key, fc.nat().map(String), { maxKeys: 3, noNullPrototype: true }),
        conditions: fc.array(condition, { maxLength: 3 }),
        images: fc.array(fc.record({ names: fc.array(text), sizeBytes: fc.nat() }), { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
  })
  .map((fields) => objectOf('Node', fields));
/** A field of no existing version: a number, and bytes. */
const novelty = fc.record({
  no: fc.integer({ min: 900, max: 5000 }),
  data: fc.uint8Array({ minLength: 1, maxLength: 20 }),
});

describe('an object in protobuf', () => {
  it('is read back unchanged', () => {
    fc.assert(
      fc.property(secret, (object) => {
        expect(meaning(shown(createStoredValue(object, Secret), Secret))).toEqual(meaning(object));
      }),
    );
    fc.assert(
      fc.property(node, (object) => {
        const once = shown(createStoredValue(object, Node), Node);
        expect(shown(createStoredValue(once, Node), Node)).toEqual(once);
      }),
    );
  });

  it('can be edited to any other, and keeps every unknown field', () => {
    fc.assert(
      fc.property(node, node, novelty, novelty, (before, after, outside, inside) => {
        const value = withNovelties(createStoredValue(before, Node), outside, inside);
        const stored = readStoredValue(value, Node, 'node');
        const edited = stored.edit(shown(createStoredValue(after, Node), Node));
        expect(shown(edited, Node)).toEqual(shown(createStoredValue(after, Node), Node));
        expect(stored.partial).toBe(true);
        expect(unknownsOf(edited)).toEqual(unknownsOf(value));
      }),
    );
  });

  it('is not read when truncated, or read completely when only its empty end is missing', () => {
    const object = objectOf('Secret', { metadata: { labels: { a: 'b' } }, data: { a: 'AAEC' }, type: 'Opaque' });
    const value = createStoredValue(object, Secret);
    const whole = shown(value, Secret);
    let refused = 0;
    for (let length = 0; length < value.length; length += 1) {
      try {
        expect(shown(value.subarray(0, length), Secret)).toEqual(whole);
      } catch (error) {
        expect(error).toMatchObject({ code: 'OBJECT_UNREADABLE' });
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(value.length - 6);
  });

  it('is not read from garbage', () => {
    const noise = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(noise, fc.boolean(), (garbage, isEnveloped) => {
        const value = isEnveloped ? Buffer.concat([Buffer.from('k8s\0'), garbage]) : garbage;
        expect(() => shown(value, Secret)).toThrow(ObjectError);
      }),
      { numRuns: 2000 },
    );
  });

  it('is not read as another kind, an unknown version or when compressed', () => {
    const value = createStoredValue(objectOf('Secret', { metadata: {}, type: 'Opaque' }), Secret);
    expect(() => shown(value, Node)).toThrow('its kind is Secret');
    const { raw } = openEnvelope(value);
    expect(() => shown(newEnvelope('v7', 'Secret', raw), Secret)).toThrow('unknown version v7');
    expect(() => shown(newEnvelope('', '', raw), Secret)).toThrow('its kind is missing');
  });

  it('is shown in the API version in use, and stored in its own', () => {
    const object = { ...objectOf('Deployment', { metadata: {}, spec: { replicas: 1 } }), apiVersion: 'apps/v1' };
    const { raw } = openEnvelope(createStoredValue(object, Deployment));
    const old = readStoredValue(newEnvelope('extensions/v1beta1', 'Deployment', raw), Deployment, 'it');
    expect(old.object.apiVersion).toBe('apps/v1');
    const edited = old.edit({ ...old.object, spec: { ...(old.object.spec as object), replicas: 0 } });
    expect(openEnvelope(edited).typeMeta?.apiVersion).toBe('extensions/v1beta1');
    expect(shown(edited, Deployment).spec).toMatchObject({ replicas: 0 });
  });

  it('keeps unknown fields of remaining list elements, and drops those of removed ones', () => {
    const taints = [1, 2, 3].map((each) => ({ key: `k${each}`, effect: 'NoSchedule' }));
    const message = messageOf(createStoredValue(objectOf('Node', { metadata: {}, spec: { taints } }), Node));
    message.spec?.taints.forEach((each, index) => addUnknown(each, { no: 900 + index, data: Uint8Array.of(1) }));
    const value = newEnvelope('v1', 'Node', toBinary(NodeSchema, message));
    const { object, edit } = readStoredValue(value, Node, 'node');
    const [first, , third] = (object.spec as { taints: typeof taints }).taints;
    const edited = edit({
      ...object,
      spec: { taints: [third, { ...first, effect: 'NoExecute' }, { key: 'new', effect: '' }] },
    });
    const kept = messageOf(edited).spec?.taints.map((each) => [
      each.key,
      each.effect,
      each.$unknown?.map(({ no }) => no),
    ]);
    expect(kept).toEqual([
      ['k3', 'NoSchedule', [902]],
      ['k1', 'NoExecute', [900]],
      ['new', '', undefined],
    ]);
  });

  it.each([
    ['an unknown field', { spec: { novelty: 1 } }, 'OBJECT_FIELD_UNSUPPORTED', 'spec.novelty'],
    ['a number for a string', { spec: { podCIDR: 7 } }, 'OBJECT_INVALID', 'spec.podCIDR'],
    ['a string for a list', { spec: { taints: 'none' } }, 'OBJECT_INVALID', 'spec.taints'],
    ['a list for an object', { status: [] }, 'OBJECT_INVALID', 'status'],
    [
      'no time',
      { spec: { taints: [{ key: 'k', effect: '', timeAdded: 'noon' }] } },
      'OBJECT_INVALID',
      'spec.taints[0].timeAdded',
    ],
    ['half a character', { spec: { podCIDR: '\ud800' } }, 'OBJECT_INVALID', 'spec.podCIDR'],
    ['a fraction', { status: { daemonEndpoints: { kubeletEndpoint: { Port: 1.5 } } } }, 'OBJECT_INVALID', 'Port'],
    [
      'too large a number',
      { status: { daemonEndpoints: { kubeletEndpoint: { Port: 2 ** 31 } } } },
      'OBJECT_INVALID',
      'Port',
    ],
  ])('refuses %s', (_what, edit, code, field) => {
    const { object, edit: make } = readStoredValue(
      createStoredValue(objectOf('Node', { metadata: {} }), Node),
      Node,
      'node',
    );
    const failure = thrownBy(() => make({ ...object, ...edit }));
    expect(failure).toBeInstanceOf(FieldMismatch);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(field) as string });
  });

  it('refuses to edit an unknown encoding', () => {
    const message = create(SecretSchema, { data: { a: Uint8Array.of(1) } });
    // A second `metadata`: legal protobuf, but never written by an API server.
    const raw = Buffer.concat([toBinary(SecretSchema, message), Buffer.from([0x0a, 0x00, 0x0a, 0x00])]);
    const { object, partial, edit } = readStoredValue(newEnvelope('v1', 'Secret', raw), Secret, 'secret');
    expect(partial).toBe(true);
    expect(thrownBy(() => edit({ ...object, data: {} }))).toMatchObject({ code: 'OBJECT_FIELD_UNSUPPORTED' });
  });

  it('keeps, shows and edits an entry named __proto__', () => {
    const data = JSON.parse('{"__proto__":"QQ==","constructor":"Qg=="}') as object;
    const value = createStoredValue(objectOf('Secret', { metadata: {}, data, type: 'x' }), Secret);
    const { object, partial, edit } = readStoredValue(value, Secret, 'secret');
    expect([JSON.stringify(object.data), partial]).toEqual(['{"__proto__":"QQ==","constructor":"Qg=="}', false]);
    expect(JSON.stringify(shown(edit({ ...object, type: 'y' }), Secret).data)).toBe(JSON.stringify(data));
    const changed = JSON.parse('{"__proto__":"Qw=="}') as object;
    expect(JSON.stringify(shown(edit({ ...object, data: changed }), Secret).data)).toBe(JSON.stringify(changed));
  });
});

describe('an object in JSON', () => {
  const value = (fields: string): Uint8Array =>
    Buffer.from(
      `{"kind":"APIService","apiVersion":"apiregistration.k8s.io/v1beta1","metadata":{"name":"a"},${fields}}\n`,
    );

  it('keeps its version, its unknown fields and its newline through an edit', () => {
    const { object, edit } = readStoredValue(
      value('"novelty":{"__proto__":[1]},"spec":{"caBundle":"AA=="}'),
      APIService,
      'it',
    );
    expect(object.apiVersion).toBe('apiregistration.k8s.io/v1');
    expect(Buffer.from(edit({ ...object, spec: { caBundle: 'AQ==' } })).toString()).toBe(
      Buffer.from(value('"novelty":{"__proto__":[1]},"spec":{"caBundle":"AQ=="}')).toString(),
    );
  });

  it('is not changed by an empty edit', () => {
    const stored = value('"spec":{ }');
    const { object, edit } = readStoredValue(stored, APIService, 'it');
    expect(edit(structuredClone(object))).toBe(stored);
  });

  it('is not edited when it contains a number that JavaScript cannot represent', () => {
    const { object, edit } = readStoredValue(value('"spec":{"big":12345678901234567890}'), APIService, 'it');
    expect(thrownBy(() => edit({ ...object, status: {} }))).toMatchObject({ code: 'OBJECT_FIELD_UNSUPPORTED' });
  });

  it.each([
    '',
    '[]',
    'null',
    '{',
    '{"kind":"APIService"}',
    '{"apiVersion":"v1","kind":"Other","metadata":{}}',
    '\ud800',
  ])('is not made up from %j', (garbage) => {
    expect(() => shown(Buffer.from(garbage), APIService)).toThrow(ObjectError);
  });

  it('does not quote unreadable values', () => {
    const failure = thrownBy(() => shown(Buffer.from('{"secret": hunter2}'), APIService));
    expect(JSON.stringify(failure) + String(failure)).not.toContain('hunter2');
  });
});

describe('an object that is nested too deeply', () => {
  const nested: unknown = JSON.parse('{"a":'.repeat(2000) + '1' + '}'.repeat(2000));
  const tooDeep = { code: 'OBJECT_UNREADABLE', subject: 'it', message: expect.stringContaining('nested deeper') };

  it.each([2000, 100_000])('is refused in JSON, %i levels', (levels) => {
    const spec = '['.repeat(levels) + ']'.repeat(levels);
    const given = `{"apiVersion":"v1","kind":"APIService","metadata":{"name":"it"},"spec":${spec}}`;
    expect(thrownBy(() => readStoredValue(Buffer.from(given), APIService, 'it'))).toMatchObject(tooDeep);
  });

  it('is refused in the JSON within protobuf', () => {
    const managedFields = [{ manager: 'kubectl', fieldsType: 'FieldsV1', fieldsV1: nested }];
    const given = createStoredValue(objectOf('Secret', { metadata: { managedFields } }), Secret);
    expect(thrownBy(() => readStoredValue(given, Secret, 'it'))).toMatchObject(tooDeep);
  });
});

function objectOf(kind: string, { metadata: given, ...fields }: Record<string, unknown>): KubernetesObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'it', ...(given as object), creationTimestamp: null }, ...fields };
}

/** Without empty fields. */
function meaning(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meaning);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, meaning(each)] as const);
  return Object.fromEntries(
    entries.filter(([name, each]) => {
      const isEmpty = typeof each === 'object' && each !== null && Object.keys(each).length === 0;
      return !isEmpty && !(name === 'generation' && each === 0);
    }),
  );
}

function shown(value: Uint8Array, kind: ResourceKind): KubernetesObject {
  return readStoredValue(value, kind, 'it').object;
}

function messageOf(
  value: Uint8Array,
): Message<'kuberescue.kubernetes.Node'> & ReturnType<typeof create<typeof NodeSchema>> {
  return fromBinary(NodeSchema, openEnvelope(value).raw);
}

type Novelty = { readonly no: number; readonly data: Uint8Array };

function addUnknown(message: Message, { no, data }: Novelty): void {
  message.$unknown = [...(message.$unknown ?? []), { no, wireType: 2, data: Uint8Array.of(data.length, ...data) }];
}

function withNovelties(value: Uint8Array, outside: Novelty, inside: Novelty): Uint8Array {
  const message = messageOf(value);
  addUnknown(message, outside);
  if (message.metadata !== undefined) addUnknown(message.metadata, inside);
  return newEnvelope('v1', 'Node', toBinary(NodeSchema, message));
}

function unknownsOf(value: Uint8Array): readonly string[] {
  return unknownFields(messageOf(value), NodeSchema);
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
