import type { SubnetEnv } from './subnet-env.ts';

/** The part of a CNI network configuration that flannel's plugin reads. */
export interface FlannelConfig {
  readonly name?: string;
  readonly cniVersion?: string;
  readonly subnetFile?: string;
  readonly dataDir?: string;
  readonly ipam?: { readonly routes?: readonly object[]; readonly [other: string]: unknown };
  readonly delegate?: Readonly<Record<string, unknown>>;
  readonly runtimeConfig?: Readonly<Record<string, unknown>>;
}

/** The configuration of the delegate plugin, as flannel derives it from its own configuration and subnet.env. */
export function renderDelegate(config: FlannelConfig, env: SubnetEnv): Readonly<Record<string, unknown>> {
  const { name, cniVersion, ipam = {}, delegate = {}, runtimeConfig } = config;
  if ('type' in delegate && typeof delegate['type'] !== 'string') {
    throw new Error("'delegate' dictionary, if present, must have (string) 'type' field");
  }
  for (const key of ['name', 'ipam']) {
    if (key in delegate) {
      throw new Error(`'delegate' dictionary must not have '${key}' field, it'll be set by flannel`);
    }
  }
  const type = delegate['type'] ?? 'bridge';
  return {
    ...(type === 'bridge' ? { isGateway: true } : {}),
    ipMasq: !env.ipMasq,
    mtu: env.mtu,
    ...delegate,
    ...(runtimeConfig === undefined ? {} : { runtimeConfig }),
    name,
    type,
    ...(cniVersion === undefined || cniVersion === '' ? {} : { cniVersion }),
    ipam: {
      type: 'host-local',
      ...ipam,
      ranges: [[{ subnet: env.subnet }]],
      routes: [...(ipam.routes ?? []), { dst: env.network }],
    },
  };
}
