import { decode, encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDnsMessage, encodeDnsQuery } from './dns-message.ts';

const query = (name: string) => encodeDnsQuery({ id: 7, name, type: 'A', recursive: true });

describe('a DNS query', () => {
  it('is decoded by another implementation', () => {
    const bytes = encodeDnsQuery({ id: 4711, name: 'Shop.Example.test.', type: 'TXT', recursive: true });
    expect(decode(bytes)).toMatchObject({
      id: 4711,
      flag_rd: true,
      questions: [{ name: 'Shop.Example.test', type: 'TXT', class: 'IN' }],
    });
    expect(decode(encodeDnsQuery({ id: 1, name: 'a', type: 'NS', recursive: false })).flag_rd).toBe(false);
  });

  it('can be for the root', () => {
    expect(decode(query('.')).questions?.[0]?.name).toBe('.');
  });

  it.each(['a..b', `${'a'.repeat(64)}.test`, 'abcdefg.'.repeat(32)])('is refused about %j', (name) => {
    expect(() => query(name)).toThrow(RangeError);
  });
});

describe('a DNS response', () => {
  const packet: Packet = {
    type: 'response',
    id: 9,
    flags: 0x0400,
    questions: [{ type: 'A', name: 'a.test' }],
    answers: [
      { type: 'A', name: 'A.test', ttl: 60, data: '192.0.2.1' },
      { type: 'AAAA', name: 'a.test', ttl: 61, data: '2001:db8:0:0:1:0:0:1' },
      { type: 'AAAA', name: 'a.test', ttl: 61, data: '::1' },
      { type: 'CNAME', name: 'a.test', ttl: 62, data: 'B.test' },
      { type: 'TXT', name: 'a.test', ttl: 63, data: ['one ', 'two'] },
      { type: 'MX', name: 'a.test', ttl: 1, data: { preference: 1, exchange: 'm.test' } },
    ],
    authorities: [
      { type: 'NS', name: 'test', ttl: 64, data: 'ns.test' },
      { type: 'SOA', name: 'test', ttl: 65, data: { mname: 'ns.test', rname: 'h.test', serial: 42 } },
    ],
  };

  it('of another implementation is decoded', () => {
    const message = decodeDnsMessage(encode(packet));
    expect(message).toMatchObject({ id: 9, isResponse: true, isAuthoritative: true, rcode: 0, question: 'a.test A' });
    expect(message.answers.map(({ name, type, ttl, value }) => `${name} ${ttl} ${type} ${value}`)).toEqual([
      'a.test 60 A 192.0.2.1',
      'a.test 61 AAAA 2001:db8::1:0:0:1',
      'a.test 61 AAAA ::1',
      'a.test 62 CNAME b.test',
      'a.test 63 TXT one two',
      'a.test 1 TYPE15 ',
    ]);
    expect(message.authoritySection.map(({ type, value }) => `${type} ${value}`)).toEqual([
      'NS ns.test',
      'SOA ns.test 42',
    ]);
  });

  it('of random bytes only fails with a RangeError', () => {
    const good = encode(packet);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), (edits) => {
        const bytes = Buffer.from(good);
        for (const [at, byte] of edits) bytes[at] = byte;
        try {
          decodeDnsMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it('with a name that points to itself is refused', () => {
    const bytes = Buffer.concat([query('a').subarray(0, 12), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])]);
    expect(() => decodeDnsMessage(bytes)).toThrow(RangeError);
  });
});
