import { type HostedRecord, type HostedZone, type HostedZones, type RecordChange } from './hosted-zones.ts';
import { AwsRefusal } from './aws-refusal.ts';
import { assertAllowed, type Principal } from './identities.ts';
import { elementsOf, renderXml, textOf, type XmlTree } from './xml.ts';

/** A Route 53 request with a valid signature. */
export interface Route53Request {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  readonly principal: Principal;
}

export interface Route53Deps {
  readonly zones: HostedZones;
  readonly now: () => Date;
  /** How many times a change is reported as pending. */
  readonly pendingAnswers: () => number;
  /** Resolves when the name servers serve the current zones. */
  readonly publish: () => Promise<void>;
}

const NAMESPACE = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"';
const ROUTES: readonly (readonly [method: string, path: RegExp, action: string])[] = [
  ['GET', /^\/2013-04-01\/hostedzone$/, 'ListHostedZones'],
  ['GET', /^\/2013-04-01\/hostedzonesbyname$/, 'ListHostedZonesByName'],
  ['GET', /^\/2013-04-01\/hostedzone\/([^/]+)$/, 'GetHostedZone'],
  ['GET', /^\/2013-04-01\/hostedzone\/([^/]+)\/rrset$/, 'ListResourceRecordSets'],
  ['POST', /^\/2013-04-01\/hostedzone\/([^/]+)\/rrset\/?$/, 'ChangeResourceRecordSets'],
  ['GET', /^\/2013-04-01\/change\/([^/]+)$/, 'GetChange'],
];

/** The action of a request, and the id in its path. @throws AwsRefusal `UnknownOperationException` */
export function route53Action(method: string, path: string): { readonly action: string; readonly id: string } {
  for (const [verb, pattern, action] of ROUTES) {
    const match = verb === method ? pattern.exec(path) : null;
    if (match !== null) return { action, id: decodeURIComponent(match[1] ?? '') };
  }
  throw new AwsRefusal(404, 'UnknownOperationException', `${method} ${path}`);
}

/** Answers a Route 53 request with an XML document. @throws AwsRefusal */
export async function answerRoute53(request: Route53Request, deps: Route53Deps): Promise<string> {
  const { action, id } = route53Action(request.method, request.url.pathname);
  const resource = /Zones|Change$/.test(action) ? '*' : `arn:aws:route53:::hostedzone/${id}`;
  assertAllowed(request.principal, `route53:${action}`, resource);
  const { searchParams } = request.url;
  const { zones } = deps;
  switch (action) {
    case 'ListHostedZones':
      return document('ListHostedZonesResponse', listZones(zones.list(), searchParams));
    case 'ListHostedZonesByName':
      return document('ListHostedZonesByNameResponse', listZonesByName(zones.list(), searchParams));
    case 'GetHostedZone':
      return document('GetHostedZoneResponse', describeZone(zones.get(id)));
    case 'ListResourceRecordSets':
      return document('ListResourceRecordSetsResponse', listRecords(zones.records(id), searchParams));
    case 'ChangeResourceRecordSets': {
      const changeId = zones.change(id, parseChanges(request.body));
      await deps.publish();
      return document('ChangeResourceRecordSetsResponse', changeInfo(changeId, 'PENDING', deps.now()));
    }
    default: {
      const status = zones.countRequest(id) > deps.pendingAnswers() ? 'INSYNC' : 'PENDING';
      return document('GetChangeResponse', changeInfo(id, status, deps.now()));
    }
  }
}

function listZones(all: readonly HostedZone[], query: URLSearchParams): XmlTree {
  const maxItems = Number(query.get('maxitems') ?? 100);
  const marker = query.get('marker');
  const start = marker === null ? 0 : all.findIndex(({ id }) => id === marker);
  const page = all.slice(start, start + maxItems);
  const next = all[start + maxItems];
  return [
    ['HostedZones', page.map((zone) => ['HostedZone', zoneTree(zone)] as const)],
    ['IsTruncated', next !== undefined],
    ...(next === undefined ? [] : [['NextMarker', next.id] as const]),
    ['MaxItems', maxItems],
  ];
}

function listZonesByName(all: readonly HostedZone[], query: URLSearchParams): XmlTree {
  const maxItems = Number(query.get('maxitems') ?? 100);
  const name = query.get('dnsname')?.replace(/\.$/, '');
  const id = query.get('hostedzoneid');
  const start = name === undefined ? 0 : all.findIndex((zone) => isAtOrBehind(zone, name, id));
  const rest = start === -1 ? [] : all.slice(start);
  const next = rest[maxItems];
  return [
    ['HostedZones', rest.slice(0, maxItems).map((zone) => ['HostedZone', zoneTree(zone)] as const)],
    ['IsTruncated', next !== undefined],
    ...(next === undefined
      ? []
      : ([
          ['NextDNSName', `${next.name}.`],
          ['NextHostedZoneId', next.id],
        ] as const)),
    ['MaxItems', maxItems],
  ];
}

function isAtOrBehind(zone: HostedZone, name: string, id: string | null): boolean {
  const [own, other] = [zone.name, name].map((each) => each.split('.').toReversed().join('.'));
  return own === other ? id === null || zone.id >= id : (own ?? '') > (other ?? '');
}

function describeZone(zone: HostedZone): XmlTree {
  const servers = zone.nameServers.map((name) => ['NameServer', name] as const);
  return [
    ['HostedZone', zoneTree(zone)],
    ...(zone.isPrivate ? [] : [['DelegationSet', [['NameServers', servers] as const]] as const]),
  ];
}

function zoneTree({ id, name, isPrivate, records }: HostedZone): XmlTree {
  return [
    ['Id', `/hostedzone/${id}`],
    ['Name', `${name}.`],
    ['CallerReference', id],
    ['Config', [['PrivateZone', isPrivate]]],
    ['ResourceRecordSetCount', records.length],
  ];
}

function listRecords(all: readonly HostedRecord[], query: URLSearchParams): XmlTree {
  const maxItems = Number(query.get('maxitems') ?? 300);
  const [name, type] = [query.get('name')?.replace(/\.$/, ''), query.get('type')];
  const key = (record: { readonly name: string; readonly type: string }): string =>
    `${record.name.split('.').toReversed().join('.')} ${record.type}`;
  const from = name === undefined ? '' : key({ name, type: type ?? '' });
  const rest = all.filter((record) => key(record) >= from);
  const next = rest[maxItems];
  return [
    ['ResourceRecordSets', rest.slice(0, maxItems).map((record) => ['ResourceRecordSet', recordTree(record)] as const)],
    ['IsTruncated', next !== undefined],
    ...(next === undefined
      ? []
      : ([
          ['NextRecordName', `${next.name}.`],
          ['NextRecordType', next.type],
        ] as const)),
    ['MaxItems', maxItems],
  ];
}

function recordTree({ name, type, ttl, values, aliasTarget }: HostedRecord): XmlTree {
  const shown = `${name.replaceAll('*', String.raw`\052`)}.`;
  if (aliasTarget !== undefined) {
    const target: XmlTree = [
      ['HostedZoneId', 'Z35SXDOTRQ7X7K'],
      ['DNSName', `${aliasTarget}.`],
      ['EvaluateTargetHealth', false],
    ];
    return [
      ['Name', shown],
      ['Type', type],
      ['AliasTarget', target],
    ];
  }
  const records = values.map((value) => ['ResourceRecord', [['Value', value]]] as const);
  return [
    ['Name', shown],
    ['Type', type],
    ['TTL', ttl],
    ['ResourceRecords', records],
  ];
}

function parseChanges(xml: string): readonly RecordChange[] {
  return elementsOf(xml, 'Change').map((change) => ({
    action: (textOf(change, 'Action') ?? 'UPSERT') as RecordChange['action'],
    record: {
      name: (textOf(change, 'Name') ?? '').replace(/\.$/, '').replaceAll(String.raw`\052`, '*'),
      type: textOf(change, 'Type') ?? '',
      ttl: Number(textOf(change, 'TTL') ?? 0),
      values: elementsOf(change, 'Value').map(
        (_, index) => textOf(elementsOf(change, 'ResourceRecord')[index] ?? '', 'Value') ?? '',
      ),
      aliasTarget: textOf(change, 'DNSName')?.replace(/\.$/, ''),
    },
  }));
}

function changeInfo(id: string, status: string, at: Date): XmlTree {
  return [
    [
      'ChangeInfo',
      [
        ['Id', `/change/${id}`],
        ['Status', status],
        ['SubmittedAt', at.toISOString()],
      ],
    ],
  ];
}

function document(root: string, content: XmlTree): string {
  return `<?xml version="1.0"?>\n${renderXml([[`${root} ${NAMESPACE}`, content]])}`;
}
