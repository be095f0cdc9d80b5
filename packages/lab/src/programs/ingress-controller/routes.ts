/** The routing fields of an Ingress (networking.k8s.io/v1). */
export interface Ingress {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly rules?: readonly {
      readonly host?: string;
      readonly http?: { readonly paths: readonly IngressPath[] };
    }[];
  };
}

interface IngressPath {
  readonly path?: string;
  readonly pathType?: string;
  readonly backend: {
    readonly service?: { readonly name: string; readonly port?: { readonly name?: string; readonly number?: number } };
  };
}

export interface IngressService {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  };
}

interface Backend {
  readonly address: string;
  readonly port: number;
}

export interface Route {
  readonly host: string;
  readonly path: string;
  readonly exact: boolean;
  /** `undefined` when the Service or its port does not exist. */
  readonly backend: Backend | undefined;
}

/** The routes of all Ingresses, the longest path first. */
export function createRoutes(ingresses: readonly Ingress[], services: readonly IngressService[]): readonly Route[] {
  const byName = new Map(
    services.map((service) => [`${service.metadata.namespace}/${service.metadata.name}`, service]),
  );
  const routes = ingresses.flatMap(({ metadata, spec }) =>
    (spec.rules ?? []).flatMap(({ host = '', http }) =>
      (http?.paths ?? []).map(({ path = '/', pathType, backend }) => ({
        host: host.toLowerCase(),
        path,
        exact: pathType === 'Exact',
        backend: backendOf(byName.get(`${metadata.namespace}/${backend.service?.name ?? ''}`), backend.service?.port),
      })),
    ),
  );
  return routes.toSorted((left, right) => right.path.length - left.path.length);
}

function backendOf(
  service: IngressService | undefined,
  wanted: { readonly name?: string; readonly number?: number } | undefined,
): Backend | undefined {
  const address = service?.spec.clusterIP ?? '';
  const port = service?.spec.ports?.find(({ name, port: number }) =>
    wanted?.name === undefined ? number === wanted?.number : name === wanted.name,
  );
  return port === undefined || !/^[\d.]+$/.test(address) ? undefined : { address, port: port.port };
}

/** @param host the Host header; its port is ignored */
export function findRoute(routes: readonly Route[], host: string, url: string): Route | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  const path = url.replace(/\?.*$/s, '');
  return routes.find((route) => isFor(route.host, name) && isBelow(route, path));
}

function isFor(rule: string, name: string): boolean {
  if (rule.startsWith('*.')) return name.endsWith(rule.slice(1)) && !name.slice(0, -rule.length + 1).includes('.');
  return rule === '' || rule === name;
}

function isBelow({ path, exact }: Route, asked: string): boolean {
  if (exact) return asked === path;
  const directory = path.endsWith('/') ? path : `${path}/`;
  return asked === path || asked.startsWith(directory);
}
