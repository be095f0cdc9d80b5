import { base64, type CorpusItem, createDice, type Dice } from './items.ts';
import { certify, ecCa, pkcs8, rsaCa } from './pairs.ts';

/** The server of most kubeconfigs; a test replaces it by one that it has started. */
export const SERVER = 'https://127.0.0.1:6443';
const ca = certify(ecCa, ecCa);
const certificate = certify(rsaCa, ecCa);
const key = pkcs8(rsaCa);
/** The certificates and keys of the kubeconfigs: a server that they trust, and their client. */
export const KUBECONFIG_PAIRS = {
  server: { certificate: ca, key: pkcs8(ecCa) },
  client: { certificate, key },
} as const;
const CA_DATA = base64(ca);
const CERTIFICATE_DATA = base64(certificate);
const KEY_DATA = base64(key);

const CLUSTER = `server: ${SERVER}
    certificate-authority-data: ${CA_DATA}`;
const USER = `client-certificate-data: ${CERTIFICATE_DATA}
    client-key-data: ${KEY_DATA}`;

/** A file as kubeadm writes it, with other fields for its cluster and user. */
const withFields = (cluster: string, user: string): string => `apiVersion: v1
clusters:
- cluster:
    ${cluster}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: admin
  name: admin@kubernetes
current-context: admin@kubernetes
kind: Config
preferences: {}
users:
- name: admin
  user:
    ${user}
`;
const KUBEADM = withFields(CLUSTER, USER);

/** As the early generators write it: one context without a name, and no current context. */
const UNNAMED = `apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    ${CLUSTER}
users:
- name: kubelet
  user:
    ${USER}
contexts:
- context:
    cluster: local
    user: kubelet
`;

type Change = readonly [name: string, text: string];

const CONTEXTS: readonly Change[] = [
  ['unnamed', UNNAMED],
  ['unnamed-empty-names', `${UNNAMED}  name: ""\ncurrent-context: ""\n`],
  ['unnamed-null-names', `${UNNAMED}  name: null\ncurrent-context: ~\n`],
  ['unnamed-but-chosen', `${UNNAMED}current-context: other\n`],
  ['unnamed-twice', `${UNNAMED}- context: {cluster: local, user: kubelet}\n`],
  ['unnamed-and-named', `${UNNAMED}- {name: other, context: {cluster: nowhere, user: missing}}\n`],
  ['unnamed-all', UNNAMED.replace('name: local', 'name: ""').replace('cluster: local', 'cluster: ""')],
  [
    'unnamed-cluster-implied',
    UNNAMED.replace('- name: local\n  cluster:', '- cluster:').replace('cluster: local\n', ''),
  ],
  ['no-current', KUBEADM.replace(/current-context.*\n/, '')],
  ['empty-current', KUBEADM.replace(/current-context:.*/, 'current-context: ""')],
  ['current-nowhere', KUBEADM.replace(/current-context:.*/, 'current-context: nowhere')],
  ['current-number', KUBEADM.replaceAll('admin@kubernetes', '12')],
  ['current-quoted-number', KUBEADM.replaceAll('admin@kubernetes', '"12"')],
  ['current-date', KUBEADM.replaceAll('admin@kubernetes', '2026-01-02')],
  ['current-sexagesimal', KUBEADM.replaceAll('admin@kubernetes', '12:30')],
  ['current-octal', KUBEADM.replaceAll('admin@kubernetes', '0o17')],
  ['current-hex', KUBEADM.replaceAll('admin@kubernetes', '0x1F')],
  ['current-yes', KUBEADM.replaceAll('admin@kubernetes', 'yes')],
  ['current-float', KUBEADM.replaceAll('admin@kubernetes', '1e3')],
  ['current-underscores', KUBEADM.replaceAll('admin@kubernetes', '1_000')],
  ['current-list', KUBEADM.replace(/current-context:.*/, 'current-context: [a]')],
  ['context-null', KUBEADM.replace('- context:\n    cluster: kubernetes\n    user: admin\n', '- context:\n')],
  ['contexts-null', KUBEADM.replace(/contexts:\n(?:[- ].*\n)+/, 'contexts:\n')],
  ['contexts-empty', KUBEADM.replace(/contexts:\n(?:[- ].*\n)+/, 'contexts: []\n')],
  ['contexts-null-item', KUBEADM.replace('contexts:\n', 'contexts:\n- null\n')],
  ['contexts-map', KUBEADM.replace(/contexts:\n(?:[- ].*\n)+/, 'contexts: {}\n')],
  ['cluster-nowhere', KUBEADM.replace('cluster: kubernetes\n', 'cluster: nowhere\n')],
  ['cluster-missing', KUBEADM.replace('    cluster: kubernetes\n', '')],
  ['user-nowhere', KUBEADM.replace('user: admin\n', 'user: missing\n')],
  ['user-missing', KUBEADM.replace('    user: admin\n', '')],
  ['users-null', KUBEADM.replace(/users:\n(?:[- ].*\n)+/, 'users:\n')],
  ['namespace', KUBEADM.replace('user: admin\n', 'user: admin\n    namespace: UPPER CASE\n')],
  ['other-broken-cluster', KUBEADM.replace('clusters:\n', 'clusters:\n- {name: other, cluster: {}}\n')],
  [
    'other-broken-user',
    KUBEADM.replace('users:\n', 'users:\n- {name: other, user: {client-certificate-data: AAAA}}\n'),
  ],
  ['other-wrong-type', KUBEADM.replace('users:\n', 'users:\n- {name: other, user: {token: 1}}\n')],
  ['duplicate-user', KUBEADM.replace('users:\n', 'users:\n- {name: admin, user: {token: abc}}\n')],
  [
    'duplicate-cluster',
    KUBEADM.replace('clusters:\n', 'clusters:\n- {name: kubernetes, cluster: {server: "https://a"}}\n'),
  ],
  ['duplicate-context', KUBEADM.replace('contexts:\n', 'contexts:\n- {name: admin@kubernetes, context: {}}\n')],
];

const DOCUMENTS: readonly Change[] = [
  ['empty', ''],
  ['comment', '# nothing\n'],
  ['null', 'null\n'],
  ['list', '- 1\n'],
  ['text', 'kubeconfig\n'],
  [
    'json',
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://a:1', 'certificate-authority-data': CA_DATA } }],
      users: [{ name: 'u', user: { 'client-certificate-data': CERTIFICATE_DATA, 'client-key-data': KEY_DATA } }],
      contexts: [{ context: { cluster: 'c', user: 'u' } }],
    }),
  ],
  [
    'json-tabs',
    '{\n\t"clusters": [{"name": "c", "cluster": {"server": "https://a:1"}}],\n\t"contexts": [{"context": {"cluster": "c"}}]\n}\n',
  ],
  [
    'json-escapes',
    '{"clusters": [{"name": "c", "cluster": {"server": "https:\\/\\/a:1"}}], "contexts": [{"context": {"cluster": "c"}}]}',
  ],
  ['no-kind', KUBEADM.replace(/kind.*\n/, '').replace(/apiVersion.*\n/, '')],
  ['kind-other', KUBEADM.replace('kind: Config', 'kind: Pod')],
  ['kind-lower', KUBEADM.replace('kind: Config', 'kind: config')],
  ['kind-upper-key', KUBEADM.replace('kind: Config', 'Kind: Pod')],
  ['kind-null', KUBEADM.replace('kind: Config', 'kind:')],
  ['version-beta', KUBEADM.replace('apiVersion: v1', 'apiVersion: v1beta1')],
  ['version-group', KUBEADM.replace('apiVersion: v1', 'apiVersion: kubeadm.k8s.io/v1')],
  ['version-number', KUBEADM.replace('apiVersion: v1', 'apiVersion: 1')],
  ['version-empty', KUBEADM.replace('apiVersion: v1', 'apiVersion: ""')],
  ['key-case', KUBEADM.replace('current-context', 'Current-Context')],
  ['key-twice', `${KUBEADM}current-context: nowhere\n`],
  ['key-twice-good-last', `current-context: nowhere\n${KUBEADM}`],
  ['key-twice-in-user', KUBEADM.replace('client-key-data', 'client-key-data: AAAA\n    client-key-data')],
  ['unknown-fields', `${KUBEADM}extra: {a: [1, 2.5, yes]}\n`],
  ['unknown-infinity', `${KUBEADM}extra: .inf\n`],
  ['unknown-null-key', `${KUBEADM}extra: {~: 1}\n`],
  ['unknown-number-key', `${KUBEADM}extra: {1: 1}\n`],
  ['unknown-complex-key', `${KUBEADM}extra: {[a]: 1}\n`],
  ['extensions', `${KUBEADM}extensions:\n- name: a\n  extension: {kind: any, version: 1}\n`],
  ['extensions-twice', `${KUBEADM}extensions:\n- {name: a, extension: {}}\n- {name: a, extension: {}}\n`],
  ['extensions-text', `${KUBEADM}extensions: text\n`],
  ['preferences-colors', KUBEADM.replace('preferences: {}', 'preferences: {colors: yes}')],
  ['preferences-wrong', KUBEADM.replace('preferences: {}', 'preferences: {colors: 1}')],
  ['preferences-list', KUBEADM.replace('preferences: {}', 'preferences: []')],
  ['second-document', `${KUBEADM}---\nkind: Pod\n`],
  ['second-document-broken', `${KUBEADM}---\n{ [ : \n`],
  ['first-document-empty', `---\n---\n${KUBEADM}`],
  ['document-start', `---\n${KUBEADM}`],
  ['directive', `%YAML 1.1\n---\n${KUBEADM}`],
  ['document-end', `${KUBEADM}...\n`],
  ['after-document-end', `${KUBEADM}...\nrubbish: [\n`],
  ['anchor', KUBEADM.replace('server: https', 'server: &a https')],
  ['alias', UNNAMED.replace('- name: kubelet', '- name: &u kubelet').replace('user: kubelet', 'user: *u')],
  ['alias-undefined', KUBEADM.replace('user: admin\n', 'user: *nothing\n')],
  [
    'merge-key',
    KUBEADM.replace('users:\n- name: admin\n  user:\n', 'users:\n- name: other\n  user: &b\n').concat(
      '- name: admin\n  user:\n    <<: *b\n',
    ),
  ],
  ['merge-key-text', `${KUBEADM}<<: text\n`],
  ['tag-str', KUBEADM.replace('server: https', 'server: !!str https')],
  ['tag-int', KUBEADM.replace('server: https', 'server: !!int https')],
  ['tag-own', KUBEADM.replace('server: https', 'server: !own https')],
  ['tag-binary', KUBEADM.replace(`server: ${SERVER}`, `server: !!binary ${base64('https://a')}`)],
  ['tabs', KUBEADM.replaceAll('    ', '\t')],
  ['tab-after-colon', KUBEADM.replaceAll(': ', ':\t')],
  ['crlf', KUBEADM.replaceAll('\n', '\r\n')],
  ['cr', KUBEADM.replaceAll('\n', '\r')],
  ['unicode-line-break', KUBEADM.replace('\n', '\u0085')],
  ['indent-odd', KUBEADM.replace('  user:\n    client', '  user:\n  client')],
  ['torn-half', KUBEADM.slice(0, KUBEADM.length / 2)],
  ['torn-end', KUBEADM.slice(0, -30)],
];

const base64Forms = (data: string): readonly Change[] => [
  ['quoted', `"${data}"`],
  ['single-quoted', `'${data}'`],
  ['literal-block', `|\n      ${data.replace(/.{64}/g, '$&\n      ')}`],
  ['literal-block-keep', `|+\n      ${data}\n\n`],
  ['folded-block', `>\n      ${data.replace(/.{64}/g, '$&\n      ')}`],
  ['folded-one-line', `>-\n      ${data}`],
  ['plain-lines', data.replace(/.{64}/, '$&\n      ')],
  ['quoted-line-breaks', `"${data.replace(/.{64}/g, String.raw`$&\r\n`)}"`],
  ['quoted-tab', `"${data.replace(/.{64}/, String.raw`$&\t`)}"`],
  ['quoted-space', `"${data} "`],
  ['quoted-folded', `"${data.replace(/.{64}/, '$&\\\n      ')}"`],
  ['no-padding', data.replace(/=+$/, '')],
  ['more-padding', `${data}=`],
  ['much-padding', `${data}====`],
  ['url-alphabet', data.replaceAll('+', '-').replaceAll('/', '_')],
  ['not-base64', '%%%%'],
  ['single-letter', 'A'],
  ['numeric', '1234'],
  ['yes', 'yes'],
  ['null', 'null'],
  ['empty', '""'],
  ['padding-alone', '"===="'],
  ['trailing-bits', `${data.slice(0, 4)}AB==`],
  ['list', '[1, 2]'],
  ['map', '{}'],
  ['rubbish', base64('rubbish')],
];

const CLUSTERS: readonly Change[] = [
  ...base64Forms(CA_DATA).map(
    ([name, value]): Change => [`ca-${name}`, `server: ${SERVER}\n    certificate-authority-data: ${value}`],
  ),
  ['empty', '{}'],
  ['no-server', `certificate-authority-data: ${CA_DATA}`],
  ['server-null', 'server:'],
  ['server-number', 'server: 6443'],
  ['server-name', 'server: api.example'],
  ['server-name-port', 'server: api.example:6443'],
  ['server-address-port', 'server: 192.0.2.1:6443'],
  ['server-path', 'server: api.example/path'],
  ['server-http', `server: http://a\n    certificate-authority-data: ${base64('rubbish')}`],
  ['server-upper', `server: HTTPS://a\n    certificate-authority-data: ${CA_DATA}`],
  ['server-ftp', 'server: ftp://a'],
  ['server-space', 'server: "https://a b"'],
  ['server-bad-port', 'server: "https://a:port"'],
  ['server-large-port', 'server: "https://a:70000"'],
  ['server-ipv6', 'server: "https://[fd00::1]:6443"'],
  ['server-ipv6-open', 'server: "https://[fd00::1"'],
  ['server-no-host', 'server: "https://"'],
  ['server-control', String.raw`server: "https://a\nb"`],
  ['server-percent', 'server: "https://a/%zz"'],
  ['server-user', 'server: "https://user:word@a"'],
  ['insecure', 'server: https://a\n    insecure-skip-tls-verify: true'],
  ['insecure-yes', 'server: https://a\n    insecure-skip-tls-verify: yes'],
  ['insecure-text', 'server: https://a\n    insecure-skip-tls-verify: "true"'],
  ['insecure-number', 'server: https://a\n    insecure-skip-tls-verify: 1'],
  [
    'insecure-with-ca',
    `server: ${SERVER}\n    insecure-skip-tls-verify: true\n    certificate-authority-data: ${CA_DATA}`,
  ],
  [
    'not-insecure-with-ca',
    `server: ${SERVER}\n    insecure-skip-tls-verify: off\n    certificate-authority-data: ${CA_DATA}`,
  ],
  ['tls-server-name', 'server: https://a\n    tls-server-name: b'],
  ['tls-server-name-number', 'server: https://a\n    tls-server-name: 10'],
  ['ca-both', `server: ${SERVER}\n    certificate-authority: /dev/null\n    certificate-authority-data: ${CA_DATA}`],
  ['ca-key', `server: ${SERVER}\n    certificate-authority-data: ${KEY_DATA}`],
  ['ca-two', `server: ${SERVER}\n    certificate-authority-data: ${base64(ca + certify(rsaCa, rsaCa))}`],
  ['proxy', 'server: https://a\n    proxy-url: http://proxy:3128'],
  ['proxy-socks', 'server: https://a\n    proxy-url: socks5://proxy:1080'],
  ['proxy-ftp', 'server: https://a\n    proxy-url: ftp://proxy'],
  ['proxy-name', 'server: https://a\n    proxy-url: proxy'],
  ['proxy-name-port', 'server: https://a\n    proxy-url: proxy:3128'],
  ['compression', 'server: https://a\n    disable-compression: maybe'],
  ['extension', 'server: https://a\n    extensions: [{name: x, extension: 1}]'],
];

const EXEC = 'apiVersion: client.authentication.k8s.io/v1, command: aws';
const USERS: readonly Change[] = [
  ...base64Forms(CERTIFICATE_DATA).map(
    ([name, value]): Change => [
      `certificate-${name}`,
      `client-key-data: ${KEY_DATA}\n    client-certificate-data: ${value}`,
    ],
  ),
  ...base64Forms(KEY_DATA).map(
    ([name, value]): Change => [
      `key-${name}`,
      `client-certificate-data: ${CERTIFICATE_DATA}\n    client-key-data: ${value}`,
    ],
  ),
  ['empty', '{}'],
  ['null', 'null'],
  ['text', 'text'],
  ['token', 'token: abc'],
  ['token-number', 'token: 123'],
  ['token-and-certificate', `token: abc\n    ${USER}`],
  ['password', 'username: a\n    password: b'],
  ['token-and-password', 'token: abc\n    username: a'],
  ['certificate-alone', `client-certificate-data: ${CERTIFICATE_DATA}`],
  ['key-alone', `client-key-data: ${KEY_DATA}`],
  ['other-key', `client-certificate-data: ${CERTIFICATE_DATA}\n    client-key-data: ${base64(pkcs8(ecCa))}`],
  ['both-certificates', `${USER}\n    client-certificate: /dev/null`],
  ['both-keys', `${USER}\n    client-key: /dev/null`],
  ['keys-without-certificate', `client-key: /dev/null\n    client-key-data: ${KEY_DATA}`],
  ['exec', `exec: {${EXEC}, interactiveMode: Never}`],
  ['exec-no-mode', `exec: {${EXEC}}`],
  ['exec-beta-no-mode', 'exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}'],
  ['exec-alpha', 'exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: aws}'],
  ['exec-other-mode', `exec: {${EXEC}, interactiveMode: Sometimes}`],
  ['exec-no-command', 'exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}'],
  ['exec-no-version', 'exec: {command: aws, interactiveMode: Never}'],
  ['exec-env', `exec: {${EXEC}, interactiveMode: Never, env: [{name: A, value: b}], args: [x]}`],
  ['exec-env-unnamed', `exec: {${EXEC}, interactiveMode: Never, env: [{value: b}]}`],
  ['exec-args-number', `exec: {${EXEC}, interactiveMode: Never, args: [1]}`],
  ['exec-and-certificate', `exec: {${EXEC}, interactiveMode: Never}\n    ${USER}`],
  ['exec-null', 'exec:'],
  ['exec-empty', 'exec: {}'],
  ['as', `${USER}\n    as: other\n    as-groups: [a]\n    as-user-extra: {a: [b]}`],
  ['as-groups-alone', `${USER}\n    as-groups: [a]`],
  ['as-groups-empty', `${USER}\n    as-groups: []`],
  ['as-uid-alone', `${USER}\n    as-uid: "1"`],
  ['as-extra-alone', `${USER}\n    as-user-extra: {a: [b]}`],
  ['as-extra-text', `${USER}\n    as: a\n    as-user-extra: {a: b}`],
];

function utf16(text: string, mark: boolean, isBig: boolean): Buffer {
  const bytes = Buffer.from((mark ? '\u{feff}' : '') + text, 'utf16le');
  return isBig ? bytes.swap16() : bytes;
}

const ENCODINGS: readonly (readonly [string, Buffer])[] = [
  ['utf8-mark', Buffer.from(`\u{feff}${KUBEADM}`)],
  ['utf8-two-marks', Buffer.from(`\u{feff}\u{feff}${KUBEADM}`)],
  ['utf8-mark-inside', Buffer.from(KUBEADM.replace('kind', '\u{feff}kind'))],
  ['utf16-little', utf16(KUBEADM, true, false)],
  ['utf16-big', utf16(KUBEADM, true, true)],
  ['utf16-little-no-mark', utf16(KUBEADM, false, false)],
  ['utf16-big-no-mark', utf16(KUBEADM, false, true)],
  ['utf16-torn', utf16(KUBEADM, true, false).subarray(0, -1)],
  ['utf16-lone-surrogate', utf16(`# \u{d800} x\n${KUBEADM}`, true, false)],
  ['utf16-pair', utf16(`# \u{1f600}\n${KUBEADM}`, true, false)],
  ['utf16-unnamed', utf16(UNNAMED, true, false)],
  ['latin1', Buffer.from(KUBEADM.replace('admin@', '\u00e4dmin@'), 'latin1')],
  ['utf8-umlaut', Buffer.from(KUBEADM.replaceAll('admin@', '\u00e4dmin@'))],
  ['nul-end', Buffer.from(`${KUBEADM}\0\0\0`)],
  ['nul-start', Buffer.from(`\0${KUBEADM}`)],
  ['nul-all', Buffer.alloc(4096)],
  ['control', Buffer.from(`# \u0007\n${KUBEADM}`)],
  ['delete', Buffer.from(`# \u007f\n${KUBEADM}`)],
  ['noncharacter', Buffer.from(`# \u{ffff}\n${KUBEADM}`)],
];

/** Printable text at random places: what editors, merges and broken disks leave. */
function mutate(text: string, dice: Dice): string {
  const insertions = [
    '\n',
    ' ',
    '  ',
    '\t',
    ':',
    ': ',
    '- ',
    '#',
    ' #',
    '"',
    "'",
    '[',
    ']',
    '{',
    '}',
    '&a ',
    '*a',
    '!',
    '|',
    '>',
    '%',
    '@',
    '`',
    ',',
    '?',
    '? ',
    '---\n',
    '...\n',
    '=',
    '0',
    '~',
  ];
  let result = text;
  for (let count = dice.below(2); count >= 0; count -= 1) {
    // Key material is most of the text, and the least interesting.
    const at = dice.below(4) === 0 ? dice.below(result.length) : lineStart(result, dice) + dice.below(12);
    const width = dice.below(3) === 0 ? 1 + dice.below(6) : 0;
    result =
      result.slice(0, at) +
      (dice.below(5) === 0 ? '' : dice.pick(insertions as [string, ...string[]])) +
      result.slice(at + width);
  }
  return result;
}

function lineStart(text: string, dice: Dice): number {
  const starts = [...text.matchAll(/^/gm)].map(({ index }) => index);
  return starts[dice.below(starts.length)] ?? 0;
}

const MUTATIONS = 400;

/** Kubeconfigs, each valid or broken in one way. */
export function kubeconfigItems(seed: number): readonly CorpusItem[] {
  const dice = createDice(seed);
  const texts: readonly (readonly [string, string | Buffer])[] = [
    ['kubeadm', KUBEADM],
    ...CONTEXTS.map(([name, text]) => [`context/${name}`, text] as const),
    ...DOCUMENTS.map(([name, text]) => [`document/${name}`, text] as const),
    ...CLUSTERS.map(([name, text]) => [`cluster/${name}`, withFields(text, USER)] as const),
    ...USERS.map(([name, text]) => [`user/${name}`, withFields(CLUSTER, text)] as const),
    ...ENCODINGS.map(([name, bytes]) => [`encoding/${name}`, bytes] as const),
    ...Array.from(
      { length: MUTATIONS },
      (_, at) => [`mutated/${at}`, mutate(at % 2 === 0 ? KUBEADM : UNNAMED, dice)] as const,
    ),
  ];
  return texts.map(([name, text]) => ({
    id: `kubeconfig/${name}`,
    kind: 'kubeconfig',
    text: Buffer.from(text).toString('base64'),
  }));
}
