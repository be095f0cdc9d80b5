import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallFailure } from './call-failure.ts';
import { frameMessage, MessageReader } from './grpc-message.ts';

describe('the messages of a stream', () => {
  it('are unchanged, however the stream is split into chunks', () => {
    const message = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 50 })), (messages, cuts) => {
        const wire = Buffer.concat(messages.map(frameMessage));
        const reader = new MessageReader(40);
        const read: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          read.push(...reader.push(wire.subarray(at, at + cut)));
          at += cut;
        }
        read.push(...reader.push(wire.subarray(at)));
        expect(read.map((each) => Buffer.from(each).toString('hex'))).toEqual(
          messages.map((each) => Buffer.from(each).toString('hex')),
        );
        expect(reader.isComplete).toBe(true);
      }),
    );
  });

  it('are refused at once when announced as too large', () => {
    const reader = new MessageReader(10);
    const push = (): unknown => reader.push(frameMessage(new Uint8Array(11)).subarray(0, 5));
    expect(push).toThrow(expect.objectContaining({ kind: 'too-large' }) as CallFailure);
  });

  it('are recognised as truncated', () => {
    const reader = new MessageReader(10);
    expect(reader.push(frameMessage(new Uint8Array(5)).subarray(0, 7))).toEqual([]);
    expect(reader.isComplete).toBe(false);
  });
});
