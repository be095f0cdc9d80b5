/** Where one part of a pair of keys is stored. */
export type FieldLocation =
  | { readonly kind: 'secret'; readonly namespace: string; readonly name: string; readonly key: string }
  /** A literal in the pod template of the controller. */
  | { readonly kind: 'env'; readonly container: string; readonly variable: string }
  /** A literal in an issuer of cert-manager, or a ConfigMap: readable, so for an id only. */
  | { readonly kind: 'elsewhere'; readonly where: string };

/** Where credentials are stored: each part in its own field, or all in a credentials file in a Secret. */
export type CredentialLocation =
  | {
      readonly kind: 'fields';
      readonly accessKeyId: FieldLocation;
      readonly secretAccessKey: FieldLocation;
      readonly sessionToken: FieldLocation | undefined;
    }
  | {
      readonly kind: 'file';
      readonly namespace: string;
      readonly name: string;
      readonly key: string;
      readonly profile: string;
    };

/** For messages: `Secret dns/aws, keys id and secret`. */
export function describeLocation(location: CredentialLocation): string {
  if (location.kind === 'file') return `Secret ${location.namespace}/${location.name}, file ${location.key}`;
  const { accessKeyId: id, secretAccessKey: secret } = location;
  if (
    id.kind === 'secret' &&
    secret.kind === 'secret' &&
    id.namespace === secret.namespace &&
    id.name === secret.name
  ) {
    return `Secret ${id.namespace}/${id.name}, keys ${id.key} and ${secret.key}`;
  }
  return `${describeField(id)} and ${describeField(secret)}`;
}

function describeField(field: FieldLocation): string {
  if (field.kind === 'secret') return `Secret ${field.namespace}/${field.name}, key ${field.key}`;
  return field.kind === 'env' ? `variable ${field.variable} of container ${field.container}` : field.where;
}
