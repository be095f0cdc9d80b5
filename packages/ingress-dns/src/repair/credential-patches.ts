import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Json, sha256 } from '@kube-rescue/workflow';
import type { ClusterReading } from '../cluster/cluster-reading.ts';
import { describeController } from '../cluster/controllers.ts';
import type { CredentialPlace, FieldPlace } from '../cluster/credential-place.ts';
import type { ClusterCredentials } from '../cluster/found-credentials.ts';
import { fieldsAt, listAt, textAt } from '../cluster/object-fields.ts';
import type { AwsCredentials } from '../credentials/aws-credentials.ts';
import { withIniSettings } from '../credentials/ini.ts';
import { IngressDnsError } from '../errors.ts';
import type { ObjectPatch } from './object-patch.ts';

/** What is to be changed so that a controller uses other keys. */
export interface CredentialPatches {
  /** The Secrets; empty when the keys stand in the pod template. */
  readonly secrets: readonly ObjectPatch[];
  /** The controller: keys in its template, and an annotation that makes it start anew. */
  readonly controller: ObjectPatch;
}

type FieldsPlace = Extract<CredentialPlace, { kind: 'fields' }>;

/** Of the pod template; its value tells one pair of keys from another and nothing of them. */
export const RESTART_ANNOTATION = 'kube-rescue.io/aws-credentials';
const DIGEST_CHARACTERS = 16;

/**
 * Says which objects are to be changed, and how. Reads, writes nothing.
 * @throws IngressDnsError `DNS_PLACE_UNSUPPORTED`
 */
export async function planCredentialPatches(
  { controller, place }: ClusterCredentials,
  keys: AwsCredentials,
  cluster: ClusterReading,
): Promise<CredentialPatches> {
  if (place === undefined) throw unsupported(describeController(controller), 'AWS lends them to the workload');
  const secrets =
    place.kind === 'file' ? [await patchFile(place, keys, cluster)] : patchSecrets(place, keys, controller);
  const reference = { kind: RESOURCE_KINDS[controller.kind], namespace: controller.namespace, name: controller.name };
  const containers = place.kind === 'file' ? undefined : await patchContainers(place, keys, cluster, reference);
  const annotations = { [RESTART_ANNOTATION]: digestOf(keys) };
  const spec = containers === undefined ? {} : { spec: { containers } };
  return { secrets, controller: { reference, patch: { spec: { template: { metadata: { annotations }, ...spec } } } } };
}

function patchSecrets(
  place: FieldsPlace,
  keys: AwsCredentials,
  controller: ClusterCredentials['controller'],
): readonly ObjectPatch[] {
  const values = [
    [place.accessKeyId, keys.accessKeyId],
    [place.secretAccessKey, keys.secretAccessKey],
    // A variable that comes from a key of a Secret needs that key; nothing in it means no token.
    ...(place.sessionToken === undefined ? [] : [[place.sessionToken, keys.sessionToken ?? ''] as const]),
  ] as const;
  if (keys.sessionToken !== undefined && place.sessionToken === undefined) {
    throw unsupported(
      describeController(controller),
      'it reads no session token, so only long-term keys are of use to it',
    );
  }
  const elsewhere = values.find(([field]) => field.kind === 'elsewhere')?.[0];
  if (elsewhere?.kind === 'elsewhere') throw unsupported(elsewhere.where, 'the access key id stands there');
  const inSecrets = values.flatMap(([field, value]) => (field.kind === 'secret' ? [{ field, value }] : []));
  const groups = Map.groupBy(inSecrets, ({ field }) => `${field.namespace}/${field.name}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const data = Object.fromEntries(group.map(({ field, value }) => [field.key, encode(value)]));
    return [secretPatch(first.field.namespace, first.field.name, data)];
  });
}

async function patchFile(
  { namespace, name, key, profile }: Extract<CredentialPlace, { kind: 'file' }>,
  keys: AwsCredentials,
  cluster: ClusterReading,
): Promise<ObjectPatch> {
  const text = (await cluster.secretText(namespace, name, key)) ?? '';
  const settings = {
    aws_access_key_id: keys.accessKeyId,
    aws_secret_access_key: keys.secretAccessKey,
    aws_session_token: keys.sessionToken,
  };
  return secretPatch(namespace, name, { [key]: encode(withIniSettings(text, profile, settings)) });
}

/** A merge patch replaces lists, so the whole one is given; `undefined` when no key stands in it. */
async function patchContainers(
  place: FieldsPlace,
  keys: AwsCredentials,
  cluster: ClusterReading,
  reference: ObjectPatch['reference'],
): Promise<Json | undefined> {
  const values = new Map<string, string>();
  const note = (field: FieldPlace | undefined, value: string): void => {
    if (field?.kind === 'env') values.set(`${field.container} ${field.variable}`, value);
  };
  note(place.accessKeyId, keys.accessKeyId);
  note(place.secretAccessKey, keys.secretAccessKey);
  note(place.sessionToken, keys.sessionToken ?? '');
  if (values.size === 0) return undefined;
  const pod = fieldsAt(await cluster.get(reference), 'spec', 'template', 'spec');
  return listAt(pod, 'containers').map((container) => ({
    ...container,
    env: listAt(container, 'env').map((entry) => {
      const value = values.get(`${textAt(container, 'name') ?? ''} ${textAt(entry, 'name') ?? ''}`);
      return value === undefined ? entry : { ...entry, value };
    }),
  })) as unknown as Json;
}

function secretPatch(namespace: string, name: string, data: Readonly<Record<string, string>>): ObjectPatch {
  return { reference: { kind: RESOURCE_KINDS.Secret, namespace, name }, patch: { data } };
}

function digestOf({ accessKeyId, secretAccessKey, sessionToken }: AwsCredentials): string {
  const all = [accessKeyId, secretAccessKey, sessionToken ?? ''].join('\0');
  return sha256(Buffer.from(all)).slice(0, DIGEST_CHARACTERS);
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

function unsupported(subject: string, reason: string): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_PLACE_UNSUPPORTED',
    message: `new keys cannot be put there: ${reason}`,
    subject,
    hint: 'change it by hand, then look again with: kube-rescue dns check',
  });
}
