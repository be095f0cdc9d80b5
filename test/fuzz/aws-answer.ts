import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@kube-rescue/host';
import { openAwsAccount } from '@kube-rescue/ingress-dns';
import type { FuzzTarget } from './fuzz-target.ts';

const ZONES = `<?xml version="1.0"?><ListHostedZonesResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><HostedZones><HostedZone><Id>/hostedzone/Z1</Id><Name>example.test.</Name><CallerReference>x</CallerReference><Config><PrivateZone>false</PrivateZone></Config></HostedZone></HostedZones><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesResponse>`;
const REFUSAL = `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/x is not authorized to perform: route53:ListHostedZones</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

let body: Buffer = Buffer.alloc(0);
const server = createServer((_request, response) => {
  response.writeHead(body.includes('<Error>') ? 403 : 200, { 'content-type': 'text/xml' }).end(body);
}).listen(0, '127.0.0.1');
server.unref();
const listening = once(server, 'listening');

/** A Route 53 that answers every request with the input, read by the real SDK. */
export const answerAws: Pick<FuzzTarget, 'corpus' | 'run'> = {
  corpus: async () => [Buffer.from(ZONES), Buffer.from(REFUSAL)],
  run: async (input) => {
    await listening;
    body = input;
    const route53 = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const account = openAwsAccount({ endpoints: { route53, sts: route53 } }, KEYS, { clock: systemClock });
    await account.listZones();
  },
};
