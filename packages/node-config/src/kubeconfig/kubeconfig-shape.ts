import { type GoMap, type GoValue, YamlFault } from './go-yaml.ts';

/** The type of a field (client-go `tools/clientcmd/api/v1/types.go`); a missing or null field of any type is empty. */
type Shape =
  | 'text'
  | 'boolean'
  | 'base64'
  | 'any'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

const EXTENSIONS: Shape = { list: { fields: { name: 'text', extension: 'any' } } };

const named = (field: string, fields: Readonly<Record<string, Shape>>): Shape => ({
  list: { fields: { name: 'text', [field]: { fields: { ...fields, extensions: EXTENSIONS } } } },
});

const CONFIG: Shape = {
  fields: {
    kind: 'text',
    apiVersion: 'text',
    preferences: { fields: { colors: 'boolean', extensions: EXTENSIONS } },
    clusters: named('cluster', {
      server: 'text',
      'tls-server-name': 'text',
      'insecure-skip-tls-verify': 'boolean',
      'certificate-authority': 'text',
      'certificate-authority-data': 'base64',
      'proxy-url': 'text',
      'disable-compression': 'boolean',
    }),
    users: named('user', {
      'client-certificate': 'text',
      'client-certificate-data': 'base64',
      'client-key': 'text',
      'client-key-data': 'base64',
      token: 'text',
      tokenFile: 'text',
      as: 'text',
      'as-uid': 'text',
      'as-groups': { list: 'text' },
      'as-user-extra': { map: { list: 'text' } },
      username: 'text',
      password: 'text',
      'auth-provider': { fields: { name: 'text', config: { map: 'text' } } },
      exec: {
        fields: {
          command: 'text',
          args: { list: 'text' },
          env: { list: { fields: { name: 'text', value: 'text' } } },
          apiVersion: 'text',
          installHint: 'text',
          provideClusterInfo: 'boolean',
          interactiveMode: 'text',
        },
      },
    }),
    contexts: named('context', { cluster: 'text', user: 'text', namespace: 'text' }),
    'current-context': 'text',
    extensions: EXTENSIONS,
  },
};

/** @throws YamlFault */
function assertShape(value: GoValue, shape: Shape, where: string): void {
  if (value.is === 'null' || shape === 'any') return;
  if (shape === 'text' || shape === 'base64') {
    if (value.is !== 'string') throw new YamlFault(`${where} is not a string`);
    if (shape === 'base64' && decodeBase64(value.text) === undefined) throw new YamlFault(`${where} is not base64`);
  } else if (shape === 'boolean') {
    if (value.is !== 'boolean') throw new YamlFault(`${where} is neither true nor false`);
  } else if ('list' in shape) {
    if (value.is !== 'list') throw new YamlFault(`${where} is not a list`);
    value.items.forEach((item) => assertShape(item, shape.list, where));
    if (shape === EXTENSIONS) assertUnique(value.items, where);
  } else {
    if (value.is !== 'map')
      throw new YamlFault(where === '' ? 'the file is not a mapping' : `${where} is not a mapping`);
    for (const [key, each] of value.entries) {
      const next = 'map' in shape ? shape.map : Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
      if (next !== undefined) assertShape(each, next, key);
    }
  }
}

/** client-go refuses two entries of one name; before Kubernetes 1.16 the last one won. */
function assertUnique(items: readonly GoValue[], list: string): void {
  const names = new Set<string>();
  for (const item of items) {
    const name = textIn(item, 'name');
    if (names.has(name)) throw new YamlFault(`${list} has two entries "${name}"`);
    names.add(name);
  }
}

/**
 * Verifies the types of every field that client-go knows. Field names are case-sensitive; unknown fields are ignored.
 *
 * @throws YamlFault
 */
export function assertConfig(root: GoValue): GoMap {
  if (root.is === 'null') throw new YamlFault('the file is empty');
  assertShape(root, CONFIG, '');
  if (root.is !== 'map') throw new YamlFault('the file is not a mapping');
  for (const [field, expected] of [
    ['kind', ['Config']],
    ['apiversion', ['v1', '/v1', '/']],
  ] as const) {
    const text = metaField(root, field);
    if (text !== '' && !(expected as readonly string[]).includes(text)) {
      throw new YamlFault(`it is not a kubeconfig: its ${field === 'kind' ? 'kind' : 'apiVersion'} is another`);
    }
  }
  for (const list of ['clusters', 'users', 'contexts']) assertUnique(itemsOf(root, list), list);
  return root;
}

/** Kind and version alone are found in any case (apimachinery `json/meta.go`): the last of the sorted names wins. */
function metaField(root: GoMap, name: string): string {
  const keys = [...root.entries.keys()].filter((key) => key.toLowerCase() === name).toSorted();
  const values = keys.map((key) => root.entries.get(key)).filter((value) => value !== undefined && value.is !== 'null');
  const last = values.at(-1);
  if (last !== undefined && last.is !== 'string') throw new YamlFault('its kind or apiVersion is not a string');
  return last?.text ?? '';
}

export function itemsOf(root: GoMap, list: string): readonly GoValue[] {
  const value = root.entries.get(list);
  return value?.is === 'list' ? value.items : [];
}

/** A field of a map; `undefined` when it is missing or null. */
export function fieldIn(value: GoValue | undefined, field: string): GoValue | undefined {
  const found = value?.is === 'map' ? value.entries.get(field) : undefined;
  return found?.is === 'null' ? undefined : found;
}

/** The text of a field; empty when it is missing or null. */
export function textIn(value: GoValue | undefined, field: string): string {
  const found = fieldIn(value, field);
  return found?.is === 'string' ? found.text : '';
}

export function isTrue(value: GoValue | undefined, field: string): boolean {
  const found = fieldIn(value, field);
  return found?.is === 'boolean' && /^(?:y|on|true)/i.test(found.text);
}

/** Go's `base64.StdEncoding`: line breaks are skipped, blanks and a missing padding are refused. Latin-1. */
export function decodeBase64(text: string): string | undefined {
  const data = text.replace(/[\r\n]/g, '');
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) return undefined;
  return Buffer.from(data, 'base64').toString('latin1');
}
