import type { Host } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type FaultyHost, stepLaws } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import type { AwsAccount } from '../aws/aws-account.ts';
import type { DnsRecordSet } from '../aws/record-set.ts';
import { IngressDnsError } from '../errors.ts';
import { createDnsChangeKind, type DnsChange } from './dns-change-kind.ts';

type Records = Map<string, DnsRecordSet>;

/** Behaves as Route 53: a missing record cannot be deleted. */
function changeRecords(records: Records): AwsAccount['changeRecords'] {
  return async (_zone, changes) => {
    for (const { action, record } of changes) {
      if (action === 'DELETE' && !records.delete(record.name)) throw notThere(record.name);
      if (action === 'UPSERT') records.set(record.name, record);
    }
    return 'C1';
  };
}

function notThere(subject: string): IngressDnsError {
  return new IngressDnsError({ code: 'DNS_CHANGE_INVALID', message: 'it was not found', subject, hint: 'create it' });
}

function isFaulty(host: Host): host is FaultyHost {
  return 'guard' in host;
}

function changeOf(name: string): DnsChange {
  const record = { name, type: 'TXT', ttl: 60, values: ['"a test"'] };
  return { kind: 'dns.change', target: `TXT ${name}`, zoneId: 'Z1', ...record };
}

stepLaws('record changes in a hosted zone', () => {
  const zones = new WeakMap<Host['readFile'], Records>();
  const recordsOf = ({ readFile }: Host): Records => zones.get(readFile) ?? new Map<string, DnsRecordSet>();
  const accountOf = (host: Host): AwsAccount => {
    const change = changeRecords(recordsOf(host));
    const guarded: AwsAccount['changeRecords'] = async (zone, changes) => {
      if (isFaulty(host)) {
        await host.guard({ operation: 'object', target: zone }, async () => void (await change(zone, changes)));
        return 'C1';
      }
      return change(zone, changes);
    };
    return { changeRecords: guarded } as AwsAccount;
  };
  const changes = ['a.example.test', 'b.example.test'].map(changeOf);
  const stepOn = (host: Host): Step => {
    const missing = (): readonly DnsChange[] => changes.filter(({ name }) => !recordsOf(host).has(name));
    return {
      id: 'dns/records',
      title: 'make records',
      requires: [],
      reversible: 'yes',
      check: async () => ({ status: missing().length === 0 ? 'ok' : 'needed', summary: 'records', evidence: [] }),
      plan: () => missing(),
      apply: (planned, journal) => journal.perform(planned.map((change) => ({ change }))),
      verify: async () =>
        missing().length === 0 ? { verified: true, evidence: [] } : { verified: false, reason: 'not there' },
    };
  };
  return {
    makeHost: async () => {
      const host = createFakeHost();
      zones.set(host.readFile, new Map());
      return host;
    },
    makePlaybook: (host) => ({
      id: 'dns',
      title: 'dns',
      phases: [{ id: 'dns', title: 'dns', steps: async () => [stepOn(host)] }],
    }),
    makeKinds: (host) => [createDnsChangeKind(accountOf(host), () => undefined)] as never,
    clock: createFixedClock('2026-11-22T12:00:00Z'),
    directories: [],
    readState: async (host) => new Map(recordsOf(host)),
  };
});
