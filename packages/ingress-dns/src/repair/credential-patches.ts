import { type ObjectReference, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Json, sha256 } from '@kube-rescue/workflow';
import type { ClusterReading } from '../cluster/cluster-reading.ts';
import { describeController } from '../cluster/controllers.ts';
import type { CredentialLocation } from '../cluster/credential-location.ts';
import type { ClusterCredentials } from '../cluster/found-credentials.ts';
import type { AwsCredentials } from '../credentials/aws-credentials.ts';
import { withIniSettings } from '../credentials/ini.ts';
import { IngressDnsError } from '../errors.ts';

/** A merge patch (RFC 7386) for one object. May hold secrets: never print it. */
export interface ObjectPatch {
  readonly reference: ObjectReference;
  readonly patch: Json;
}

/** The changes that make a controller use other keys. */
export interface CredentialPatches {
  readonly secrets: readonly ObjectPatch[];
  /** An annotation that restarts the controller. */
  readonly controller: ObjectPatch;
}

type FieldsLocation = Extract<CredentialLocation, { kind: 'fields' }>;

/** Annotation of the pod template; its value is a digest that identifies a pair of keys without revealing it. */
export const RESTART_ANNOTATION = 'kube-rescue.io/aws-credentials';
const DIGEST_CHARACTERS = 16;

/**
 * Plans the object patches for new keys. Writes nothing.
 * @throws IngressDnsError `DNS_CREDENTIAL_LOCATION_UNSUPPORTED`
 */
export async function planCredentialPatches(
  { controller, location }: ClusterCredentials,
  keys: AwsCredentials,
  cluster: ClusterReading,
): Promise<CredentialPatches> {
  if (location === undefined)
    throw unsupported(describeController(controller), 'AWS provides the credentials of the workload');
  const secrets =
    location.kind === 'file' ? [await patchFile(location, keys, cluster)] : patchSecrets(location, keys, controller);
  const reference = { kind: RESOURCE_KINDS[controller.kind], namespace: controller.namespace, name: controller.name };
  const annotations = { [RESTART_ANNOTATION]: digestOf(keys) };
  return { secrets, controller: { reference, patch: { spec: { template: { metadata: { annotations } } } } } };
}

function patchSecrets(
  location: FieldsLocation,
  keys: AwsCredentials,
  controller: ClusterCredentials['controller'],
): readonly ObjectPatch[] {
  const values = [
    [location.accessKeyId, keys.accessKeyId],
    [location.secretAccessKey, keys.secretAccessKey],
    // A variable from a Secret key needs that key; an empty value means no token.
    ...(location.sessionToken === undefined ? [] : [[location.sessionToken, keys.sessionToken ?? ''] as const]),
  ] as const;
  if (keys.sessionToken !== undefined && location.sessionToken === undefined) {
    throw unsupported(
      describeController(controller),
      'the workload reads no session token, so only long-term keys work',
    );
  }
  for (const [field] of values) {
    // A literal is visible to every reader of pods and of the plan.
    if (field.kind === 'env')
      throw unsupported(
        describeController(controller),
        `${field.variable} is a literal in the pod template; keys belong in a Secret`,
      );
    if (field.kind === 'elsewhere') throw unsupported(field.where, 'the access key id is a literal there');
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
    code: 'DNS_CREDENTIAL_LOCATION_UNSUPPORTED',
    message: `cannot write new keys to this location: ${reason}`,
    subject,
    hint: 'change the keys by hand, then run: `kube-rescue dns check`',
  });
}
