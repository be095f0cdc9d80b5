import { describe, expect, it } from 'vitest';
import { parsePoll } from './load.ts';
import { mentions } from './old-ca.ts';
import { parsePollerLog } from './polling-pod.ts';

const failure = (at: number, until: number) => ({
  client: 'administrator',
  at: new Date(at),
  until: new Date(until),
});

describe('the report of the load', () => {
  it('has every failed request with its time and reason, and the number of requests', () => {
    const text =
      '1795360247870 1795360247900 curl: (7) Failed to connect\n1795360248504 1795360278504 error: timed out \ncount 677\n';
    expect(parsePoll('administrator', text)).toEqual({
      client: 'administrator',
      requests: 677,
      failures: [
        { ...failure(1795360247870, 1795360247900), reason: 'curl: (7) Failed to connect' },
        { ...failure(1795360248504, 1795360278504), reason: 'error: timed out' },
      ],
    });
  });

  it('has no requests when the loop was interrupted', () => {
    expect(parsePoll('workload', '')).toMatchObject({ requests: 0, failures: [] });
  });

  it('is read from the log of the pod', () => {
    const { requests, failures } = parsePollerLog(
      '2026-11-22T10:30:47.8Z 1795343447 ok\n2026-11-22T10:30:49.123456789Z 1795343448 Unable to connect: x509\n',
    );
    expect(requests).toBe(2);
    const [at, until] = [new Date('2026-11-22T10:30:48Z'), new Date('2026-11-22T10:30:49.123Z')];
    expect(failures).toEqual([{ client: 'pod', at, until, reason: 'Unable to connect: x509' }]);
  });
});

describe('the search for the old CA', () => {
  const body = 'MIIB'.padEnd(400, 'Ab+/');
  const pem = `-----BEGIN CERTIFICATE-----\n${body.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`;

  it.each([
    ['PEM', `# a bundle\n${pem}`],
    ['PEM in base64, as kubeconfigs hold it', `certificate-authority-data: ${Buffer.from(pem).toString('base64')}`],
    [
      'the second of a bundle in base64',
      `data: ${Buffer.from(`${pem.replaceAll('A', 'B')}${pem}`).toString('base64')}`,
    ],
  ])('finds it in %s', (_name, text) => {
    expect(mentions(text, body)).toBe(true);
  });

  it('does not find another CA', () => {
    expect(mentions(pem.replaceAll('A', 'B'), body)).toBe(false);
  });
});
