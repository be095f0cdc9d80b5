import type { HttpGet, StaticPod } from './static-pod.ts';

/** The health URL of a component on its host, if any. */
export function healthUrl(pod: StaticPod): string | undefined {
  const { readiness, liveness, startup } = pod.main.probes;
  const probe = readiness ?? liveness ?? startup;
  if (probe === undefined) return undefined;
  const host = probe.host ?? (pod.hostNetwork ? '127.0.0.1' : undefined);
  if (host === undefined) return undefined;
  const literal = host.includes(':') ? `[${host}]` : host;
  return `${probe.scheme}://${literal}:${probe.port}${healthPath(pod, probe)}`;
}

/** `/livez` succeeds without etcd; since 1.16 `/readyz` reports it. */
function healthPath(pod: StaticPod, probe: HttpGet): string {
  const isApiServer = (pod.main.program ?? pod.component) === 'kube-apiserver';
  return isApiServer && probe.path.startsWith('/livez') ? '/readyz' : probe.path;
}
