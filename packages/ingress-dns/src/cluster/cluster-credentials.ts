import { fieldsAt, listAt, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import type { AssumedRole, CredentialSource } from '../credentials/aws-credentials.ts';
import { parseIni } from '../credentials/ini.ts';
import { type NamedZones, namedZones, ZONE_VARIABLE } from '../credentials/named-zones.ts';
import { resolveProfile } from '../credentials/profile.ts';
import { IngressDnsError } from '../errors.ts';
import type { ClusterReading } from './cluster-reading.ts';
import { type LocatedValue, readContainerEnvironment } from './container-environment.ts';
import {
  argumentOf,
  argumentsOf,
  type Controller,
  type ControllerContainer,
  describeController,
  listContainers,
} from './controllers.ts';
import { type CredentialLocation, describeLocation } from './credential-location.ts';
import type { ClusterCredentials } from './found-credentials.ts';
import { findIssuerCredentials } from './issuer-credentials.ts';
import { findMountedFile, type MountedFile } from './mounted-file.ts';
import { findWebIdentity } from './pod-web-identity.ts';

type Variables = ReadonlyMap<string, LocatedValue>;

/**
 * Finds the AWS credentials of workloads in the cluster: variables, Secrets, mounted credentials files, issuers of
 * cert-manager, and ambient credentials, which are reported without keys.
 *
 * Known DNS controllers come first.
 */
export async function findClusterCredentials(cluster: ClusterReading): Promise<readonly ClusterCredentials[]> {
  const containers = await listContainers(cluster);
  const found: ClusterCredentials[] = [];
  for (const each of containers) {
    const credentials = await findIn(each, cluster);
    if (credentials !== undefined) found.push(credentials);
  }
  const issuing = containers.find(({ controller }) => controller.software === 'cert-manager')?.controller;
  if (issuing !== undefined) found.push(...(await findIssuerCredentials(issuing, cluster)));
  return found.toSorted((a, b) => rankOf(a) - rankOf(b));
}

function rankOf({ controller }: ClusterCredentials): number {
  return ['external-dns', 'Traefik', 'cert-manager', 'other'].indexOf(controller.software);
}

async function findIn(each: ControllerContainer, cluster: ClusterReading): Promise<ClusterCredentials | undefined> {
  const { controller, container, pod } = each;
  const variables = await readContainerEnvironment(container, controller.namespace, cluster);
  const value = (name: string): string | undefined => variables.get(name)?.value;
  const region = value('AWS_REGION') ?? value('AWS_DEFAULT_REGION');
  const roles = rolesOf(each, variables);
  const zones = zonesOf(each, variables);
  const keys = keysIn(variables);
  if (keys !== undefined) {
    const { location, ...source } = keys;
    const where = `${describeLocation(location)} (${describeController(controller)})`;
    return { controller, location, source: { ...source, where, roles, region, zones } };
  }
  const profile = value('AWS_PROFILE') ?? argumentOf(each, 'aws-profile') ?? 'default';
  const file = findMountedFile(pod, container, value('AWS_SHARED_CREDENTIALS_FILE'));
  if (file !== undefined) {
    const text = (await cluster.secretText(controller.namespace, file.secret, file.key)) ?? '';
    return { controller, ...readFile(text, profile, file, controller, { region, roles, zones }) };
  }
  const ambient = await findAmbient(each, cluster);
  if (ambient === undefined) return undefined;
  return {
    controller,
    location: undefined,
    source: { where: describeController(controller), ...ambient, roles, region, zones },
  };
}

function keysIn(variables: Variables) {
  const id = variables.get('AWS_ACCESS_KEY_ID');
  const secret = variables.get('AWS_SECRET_ACCESS_KEY');
  const token = variables.get('AWS_SESSION_TOKEN');
  if (id === undefined || secret === undefined) return undefined;
  const location: CredentialLocation = {
    kind: 'fields',
    accessKeyId: id.location,
    secretAccessKey: secret.location,
    sessionToken: token?.location,
  };
  const sessionToken = token?.value === '' ? undefined : token?.value;
  return { location, keys: { accessKeyId: id.value, secretAccessKey: secret.value, sessionToken } };
}

/** An unreadable file counts as one with empty keys: it is reported as broken and can be replaced. */
function readFile(
  text: string,
  profile: string,
  { secret: name, key }: MountedFile,
  controller: Controller,
  { region, roles, zones }: Pick<CredentialSource, 'region' | 'roles' | 'zones'>,
): Omit<ClusterCredentials, 'controller'> {
  const location = { kind: 'file', namespace: controller.namespace, name, key, profile } as const;
  const where = `${describeLocation(location)} (${describeController(controller)})`;
  try {
    const { keysIn: keysProfile, ...source } = resolveProfile(
      { credentials: parseIni(text), config: new Map() },
      profile,
      where,
    );
    return {
      location: { ...location, profile: keysProfile },
      source: { ...source, roles: [...source.roles, ...roles], region: region ?? source.region, zones },
    };
  } catch (error) {
    if (!(error instanceof IngressDnsError)) throw error;
    return { location, source: { where, keys: { accessKeyId: '', secretAccessKey: '' }, roles, region, zones } };
  }
}

/** external-dns takes a role as an argument, lego (Traefik) as a variable. */
function rolesOf(each: ControllerContainer, variables: Variables): readonly AssumedRole[] {
  const arn = argumentOf(each, 'aws-assume-role') ?? variables.get('AWS_ASSUME_ROLE_ARN')?.value;
  if (arn === undefined || arn === '') return [];
  const externalId = argumentOf(each, 'aws-assume-role-external-id') ?? variables.get('AWS_EXTERNAL_ID')?.value;
  return [{ arn, externalId }];
}

/** external-dns lists the zones and skips those that its argument does not name; lego (Traefik) asks the one in its variable. */
function zonesOf(each: ControllerContainer, variables: Variables): NamedZones | undefined {
  if (each.controller.software === 'external-dns') {
    return namedZones('--zone-id-filter', argumentsOf(each, 'zone-id-filter'), { areListed: true });
  }
  return namedZones(ZONE_VARIABLE, [variables.get(ZONE_VARIABLE)?.value]);
}

/** The AWS webhooks change pods, not templates: the running pods show ambient credentials. */
async function findAmbient(
  each: ControllerContainer,
  cluster: ClusterReading,
): Promise<Pick<CredentialSource, 'ambient' | 'webIdentity'> | undefined> {
  const { controller, pod } = each;
  const { namespace } = controller;
  if (!mayUseAws(each)) return undefined;
  const name = textAt(pod, 'serviceAccountName') ?? 'default';
  const account = await cluster.get({ kind: RESOURCE_KINDS.ServiceAccount, namespace, name });
  const pods = (await cluster.list(RESOURCE_KINDS.Pod, namespace)).filter((object) =>
    object.metadata.name.startsWith(`${controller.name}-`),
  );
  const webIdentity = findWebIdentity(pod, pods, account, { namespace, serviceAccount: name });
  if (webIdentity !== undefined) return { ambient: 'IRSA', webIdentity };
  const variables = pods
    .flatMap((object) => listAt(fieldsAt(object, 'spec'), 'containers'))
    .flatMap((container) => listAt(container, 'env'))
    .map((entry) => textAt(entry, 'name'));
  return { ambient: variables.includes('AWS_CONTAINER_CREDENTIALS_FULL_URI') ? 'Pod Identity' : 'instance role' };
}

/** Without keys a workload uses AWS only by declaration: external-dns by its provider, others by an `AWS_*` variable. */
function mayUseAws(each: ControllerContainer): boolean {
  if (each.controller.software === 'external-dns') return argumentOf(each, 'provider') === 'aws';
  const names = listAt(each.container, 'env').map((entry) => textAt(entry, 'name') ?? '');
  return each.controller.software !== 'other' && names.some((name) => name.startsWith('AWS_'));
}

/** The credentials of a workload; without one, those of the known DNS controller. */
export function matchCredentials(
  all: readonly ClusterCredentials[],
  controller: string | undefined,
): ClusterCredentials | undefined {
  const wanted = controller?.replace(/^(deployment|daemonset)\//i, '');
  return all.find(
    (each) =>
      wanted === undefined ||
      wanted === each.controller.name ||
      wanted === `${each.controller.namespace}/${each.controller.name}`,
  );
}

/** {@link matchCredentials}. @throws IngressDnsError `DNS_CONTROLLER_NOT_FOUND` */
export function chooseCredentials(
  all: readonly ClusterCredentials[],
  controller: string | undefined,
): ClusterCredentials {
  const found = matchCredentials(all, controller);
  if (found !== undefined) return found;
  throw new IngressDnsError({
    code: 'DNS_CONTROLLER_NOT_FOUND',
    message: 'no workload with AWS credentials found in the cluster',
    subject: controller ?? 'the cluster',
    hint:
      all.length === 0
        ? 'give host names with --domain and keys with --aws-credentials to check them without the cluster'
        : `name one of ${all.map((each) => `${each.controller.namespace}/${each.controller.name}`).join(', ')}`,
  });
}
