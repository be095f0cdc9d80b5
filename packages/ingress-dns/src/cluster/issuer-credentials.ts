import { type Fields, fieldsAt, listAt, textAt } from '@kube-rescue/cluster-objects';
import type { AssumedRole } from '../credentials/aws-credentials.ts';
import { namedZones } from '../credentials/named-zones.ts';
import type { ClusterCredentials } from './found-credentials.ts';
import type { ClusterReading } from './cluster-reading.ts';
import type { Controller } from './controllers.ts';
import { describeLocation, type FieldLocation } from './credential-location.ts';

/**
 * Finds the credentials of cert-manager issuers for DNS challenges in Route 53.
 *
 * Reads the Secrets of a ClusterIssuer from the namespace of cert-manager, its default.
 */
export async function findIssuerCredentials(
  controller: Controller,
  cluster: ClusterReading,
): Promise<readonly ClusterCredentials[]> {
  const issuers = await cluster.issuers();
  const solvers = issuers.flatMap((issuer) => {
    const namespace = issuer.metadata.namespace ?? controller.namespace;
    return listAt(fieldsAt(issuer, 'spec', 'acme'), 'solvers')
      .map((solver) => ({ issuer, namespace, route53: fieldsAt(solver, 'dns01', 'route53') }))
      .filter(({ route53 }) => Object.keys(route53).length > 0);
  });
  return Promise.all(
    solvers.map(({ issuer, namespace, route53 }) =>
      readSolver(`${issuer.kind} ${issuer.metadata.name}`, namespace, route53, controller, cluster),
    ),
  );
}

async function readSolver(
  name: string,
  namespace: string,
  route53: Fields,
  controller: Controller,
  cluster: ClusterReading,
): Promise<ClusterCredentials> {
  const role = textAt(route53, 'role');
  const roles: readonly AssumedRole[] = role === undefined ? [] : [{ arn: role }];
  const region = textAt(route53, 'region');
  const zones = namedZones(`hostedZoneID of ${name}`, [textAt(route53, 'hostedZoneID')]);
  const secretLocation = locationOf(fieldsAt(route53, 'secretAccessKeySecretRef'), namespace);
  const idLocation = locationOf(fieldsAt(route53, 'accessKeyIDSecretRef'), namespace);
  const id = textAt(route53, 'accessKeyID') ?? (idLocation && (await read(idLocation, cluster)));
  if (secretLocation === undefined || id === undefined) {
    return { controller, location: undefined, source: { where: name, ambient: 'instance role', roles, region, zones } };
  }
  const location = {
    kind: 'fields',
    accessKeyId: idLocation ?? ({ kind: 'elsewhere', where: name } as const),
    secretAccessKey: secretLocation,
    sessionToken: undefined,
  } as const;
  const keys = { accessKeyId: id, secretAccessKey: (await read(secretLocation, cluster)) ?? '' };
  return {
    controller,
    location,
    source: { where: `${describeLocation(location)} (${name})`, keys, roles, region, zones },
  };
}

type SecretLocation = Extract<FieldLocation, { kind: 'secret' }>;

function locationOf(reference: Fields, namespace: string): SecretLocation | undefined {
  const name = textAt(reference, 'name');
  const key = textAt(reference, 'key');
  return name === undefined || key === undefined ? undefined : { kind: 'secret', namespace, name, key };
}

function read({ namespace, name, key }: SecretLocation, cluster: ClusterReading): Promise<string | undefined> {
  return cluster.secretText(namespace, name, key);
}
