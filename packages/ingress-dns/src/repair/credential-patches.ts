import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { sha256 } from '@kube-rescue/workflow';
import type { ClusterReading } from '../cluster/cluster-reading.ts';
import { describeController } from '../cluster/controllers.ts';
import type { CredentialLocation } from '../cluster/credential-location.ts';
import type { ClusterCredentials } from '../cluster/found-credentials.ts';
import type { AwsCredentials } from '../credentials/aws-credentials.ts';
import { withIniSettings } from '../credentials/ini.ts';
import { IngressDnsError } from '../errors.ts';
import type { ObjectPatch } from './object-patch.ts';

/** What is to be changed so that a controller uses other keys. */
export interface CredentialPatches {
  readonly secrets: readonly ObjectPatch[];
  /** An annotation that makes the controller start anew. */
  readonly controller: ObjectPatch;
}

type FieldsPlace = Extract<CredentialLocation, { kind: 'fields' }>;

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
  const annotations = { [RESTART_ANNOTATION]: digestOf(keys) };
  return { secrets, controller: { reference, patch: { spec: { template: { metadata: { annotations } } } } } };
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
  for (const [field] of values) {
    // Whoever may read pods could read them, and so could whoever reads a plan that replaces them.
    if (field.kind === 'env')
      throw unsupported(
        describeController(controller),
        `${field.variable} is a literal in its pods; keys belong in a Secret`,
      );
    if (field.kind === 'elsewhere') throw unsupported(field.where, 'the access key id stands there');
  }
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
  { namespace, name, key, profile }: Extract<CredentialLocation, { kind: 'file' }>,
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
