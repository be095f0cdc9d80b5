import type { TemplateContainer } from '../plugin/pod-template.ts';
import type { Sourced } from '../sourced.ts';

/** The flags of flanneld; flags override variables. */
export interface FlannelFlags {
  readonly kubeSubnetManager: boolean;
  readonly ipMasq: Sourced<boolean>;
  /** In the container. */
  readonly subnetFile: Sourced<string>;
  readonly netConfPath: string;
  /** Names or addresses of interfaces; the first match wins. */
  readonly interfaces: readonly string[];
  readonly interfacePatterns: readonly string[];
  readonly interfaceReaches: string | undefined;
  readonly etcdPrefix: string;
}

/** Boolean flags: the next word is not their value. Source: flannel `main.go`. */
const BOOLEAN = ['ip-masq', 'kube-subnet-mgr', 'iptables-forward-rules', 'version', 'help', 'iface-ipv6'];
const DEFAULT_SUBNET_FILE = '/run/flannel/subnet.env';
const DEFAULT_NET_CONF = '/etc/kube-flannel/net-conf.json';
const DEFAULT_PREFIX = '/coreos.com/network';

/**
 * Parses the flags of flanneld as Go's flag package does; missing flags come from `FLANNELD_…` variables with a literal
 * value.
 *
 * Source: flannel `main.go`, flagutil.SetFlagsFromEnv with the prefix `FLANNELD`.
 * @param subject the DaemonSet
 */
export function readFlannelFlags({ words, environment }: TemplateContainer, subject: string): FlannelFlags {
  const given = parseFlags(words);
  const fromEnvironment = (name: string): readonly Sourced<string>[] => {
    const variable = `FLANNELD_${name.toUpperCase().replaceAll('-', '_')}`;
    const value = environment.get(variable);
    return value === undefined || value === '' ? [] : [{ value, source: `${variable} of ${subject}` }];
  };
  const all = (name: string): readonly Sourced<string>[] => {
    const values = given.filter(([flag]) => flag === name);
    if (values.length > 0) return values.map(([, value]) => ({ value, source: `--${name} of ${subject}` }));
    return fromEnvironment(name);
  };
  const last = (name: string, byDefault: string): Sourced<string> =>
    all(name).at(-1) ?? { value: byDefault, source: `default of flannel: ${subject} has no --${name}` };
  const isTrue = (name: string): Sourced<boolean> => {
    const { value, source } = last(name, 'false');
    return { value: ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value), source };
  };
  const values = (name: string): readonly string[] =>
    all(name).flatMap(({ value }) => value.split(',').filter((each) => each !== ''));
  return {
    kubeSubnetManager: isTrue('kube-subnet-mgr').value,
    ipMasq: isTrue('ip-masq'),
    subnetFile: last('subnet-file', DEFAULT_SUBNET_FILE),
    netConfPath: last('net-config-path', DEFAULT_NET_CONF).value,
    interfaces: values('iface'),
    interfacePatterns: all('iface-regex').map(({ value }) => value),
    interfaceReaches: all('iface-can-reach').at(-1)?.value,
    etcdPrefix: last('etcd-prefix', DEFAULT_PREFIX).value,
  };
}

function parseFlags(words: readonly string[]): readonly (readonly [flag: string, value: string])[] {
  const flags: (readonly [string, string])[] = [];
  // A shell command has all words in one argument.
  const plain = words.flatMap((word) => (/\s--?\w/.test(word) ? word.split(/\s+/) : [word]));
  for (let at = 0; at < plain.length && plain[at] !== '--'; at += 1) {
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(plain[at] ?? '');
    if (match?.[1] === undefined) continue;
    const name = match[1];
    const next = plain[at + 1];
    if (match[2] !== undefined || BOOLEAN.includes(name) || next === undefined) flags.push([name, match[2] ?? 'true']);
    else {
      flags.push([name, next]);
      at += 1;
    }
  }
  return flags;
}
