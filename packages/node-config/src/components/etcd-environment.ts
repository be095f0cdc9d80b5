/** etcd reads every flag from `ETCD_NAME_OF_FLAG` too; a flag wins (etcd documentation, "Configuration options"). */
export function withEtcdEnvironment(
  flags: ReadonlyMap<string, string>,
  environment: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const inherited = [...environment]
    .filter(([name]) => name.startsWith('ETCD_'))
    .map(([name, value]) => [name.slice('ETCD_'.length).toLowerCase().replaceAll('_', '-'), value] as const);
  return new Map([...inherited, ...flags]);
}
