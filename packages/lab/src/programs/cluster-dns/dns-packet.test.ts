import packet from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, decodeQuestion, encodeAnswer, isStandard, RCODE } from './dns-packet.ts';
import { answer, createServiceRecords } from './service-records.ts';

const query = (name: string, type: 'A' | 'AAAA' = 'A'): Buffer =>
  packet.encode({ id: 4711, type: 'query', flags: packet.RECURSION_DESIRED, questions: [{ type, name }] });

describe('a DNS message', () => {
  it('is answered with the id and question of the query', () => {
    const question = decodeQuestion(query('Web.Default.svc.cluster.local'));
    expect(question).toMatchObject({ id: 4711, name: 'web.default.svc.cluster.local', type: 1 });
    const reply: Answer = { rcode: RCODE.NOERROR, addresses: ['10.3.0.7', '255.0.0.1'], ttl: 30 };
    expect(packet.decode(encodeAnswer(question, reply))).toMatchObject({
      id: 4711,
      type: 'response',
      flag_aa: true,
      flag_rd: true,
      rcode: 'NOERROR',
      questions: [{ name: 'Web.Default.svc.cluster.local', type: 'A' }],
      answers: [{ data: '10.3.0.7' }, { data: '255.0.0.1' }],
    });
  });

  it('has an SOA record with the negative TTL when the name does not exist', () => {
    const question = decodeQuestion(query('x.cluster.local'));
    const no: Answer = { rcode: RCODE.NXDOMAIN, addresses: [], ttl: 30, zone: 'cluster.local' };
    expect(packet.decode(encodeAnswer(question, no))).toMatchObject({
      rcode: 'NXDOMAIN',
      authorities: [{ type: 'SOA', name: 'cluster.local', ttl: 30, data: { minimum: 30 } }],
    });
  });

  it('is parsed or rejected, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, real) => {
        const message = Buffer.from(bytes);
        if (real && message.length > 6) message.writeUInt32BE(1, 2);
        try {
          const question = decodeQuestion(message);
          isStandard(question);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('the names of Services', () => {
  const service = { metadata: { name: 'web', namespace: 'default' }, spec: { clusterIP: '10.3.0.7' } };
  const records = createServiceRecords([service], 'cluster.local');
  const ask = (name: string, type: 'A' | 'AAAA' = 'A'): Answer =>
    answer(decodeQuestion(query(name, type)), 'cluster.local', records);

  it.each([
    ['web.default.svc.cluster.local', 'A', RCODE.NOERROR, ['10.3.0.7']],
    ['web.default.svc.cluster.local', 'AAAA', RCODE.NOERROR, []],
    ['default.svc.cluster.local', 'A', RCODE.NOERROR, []],
    ['cluster.local', 'A', RCODE.NOERROR, []],
    ['other.default.svc.cluster.local', 'A', RCODE.NXDOMAIN, []],
    ['default.svc.notcluster.local', 'A', RCODE.REFUSED, []],
  ] as const)('%s %s is %i %j', (name, type, rcode, addresses) => {
    expect(ask(name, type)).toMatchObject({ rcode, addresses });
  });

  it('fail with SERVFAIL until the Services have been read', () => {
    const question = decodeQuestion(query('web.default.svc.cluster.local'));
    expect(answer(question, 'cluster.local', undefined).rcode).toBe(RCODE.SERVFAIL);
  });
});
