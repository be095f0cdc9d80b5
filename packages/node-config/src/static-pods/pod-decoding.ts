import { hostPath, joinPath } from '@kube-rescue/host';
import { NodeConfigError } from '../errors.ts';
import { readCommandLine } from '../components/command-line.ts';
import { isComponent } from '../components/component.ts';
import { withEtcdEnvironment } from '../components/etcd-environment.ts';
import { decodeManifest, readManifestObject } from './manifest-source.ts';
import type { HttpGet, ManifestFile, StaticContainer, StaticPod } from './static-pod.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Decodes a pod from a manifest's bytes.
 *
 * Checks what this package relies on, not all that the kubelet validates.
 * @throws NodeConfigError `MANIFEST_INVALID`, naming the field or line; `MANIFEST_TOO_LARGE`
 */
export function decodePod(bytes: Uint8Array, file: Omit<ManifestFile, 'source'>): StaticPod {
  const manifest: ManifestFile = { ...file, source: decodeManifest(bytes, file.path) };
  const object = readManifestObject(manifest.source, manifest.path);
  const read = new FieldReader(manifest.path);
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') {
    const kind = typeof object.kind === 'string' ? object.kind : 'no kind';
    throw read.invalid(
      `the manifest is not a v1 Pod (${kind})`,
      'move the file out of the directory; the kubelet runs only Pods from it',
    );
  }
  const metadata = read.object(object.metadata, 'metadata');
  const spec = read.object(object.spec, 'spec');
  const volumes = new Map(
    read.objects(spec.volumes, 'spec.volumes').map((volume, index) => {
      const source =
        volume.hostPath === undefined || volume.hostPath === null
          ? undefined
          : read.object(volume.hostPath, `spec.volumes[${index}].hostPath`);
      return [
        volume.name,
        source === undefined ? undefined : read.text(source.path, `spec.volumes[${index}].hostPath.path`),
      ];
    }),
  );
  const containersAt = (value: unknown, at: string): readonly StaticContainer[] =>
    read.objects(value, at).map((fields, index) => decodeContainer(fields, `${at}[${index}]`, volumes, read));
  const containers = containersAt(spec.containers, 'spec.containers');
  const initContainers = containersAt(spec.initContainers, 'spec.initContainers');
  const labels = read.texts(metadata.labels, 'metadata.labels');
  const label = labels.get('component');
  const main =
    containers.find(({ program, name }) => program !== undefined && (program === label || name === label)) ??
    containers.find(({ program }) => program !== undefined && isComponent(program)) ??
    containers[0];
  if (main === undefined) throw read.invalid('the pod has no containers', 'restore the file from a backup');
  return {
    manifest,
    name: read.text(metadata.name, 'metadata.name'),
    namespace: metadata.namespace === undefined ? 'default' : read.text(metadata.namespace, 'metadata.namespace'),
    uid: metadata.uid === undefined || metadata.uid === null ? undefined : read.text(metadata.uid, 'metadata.uid'),
    labels,
    annotations: read.texts(metadata.annotations, 'metadata.annotations'),
    component: label ?? main.program ?? main.name,
    main,
    containers,
    initContainers,
    hostNetwork: spec.hostNetwork === true,
  };
}

function decodeContainer(
  fields: Fields,
  at: string,
  volumes: ReadonlyMap<unknown, string | undefined>,
  read: FieldReader,
): StaticContainer {
  const environment = new Map(
    read
      .objects(fields.env, `${at}.env`)
      .flatMap(({ name, value }) =>
        typeof name === 'string' && typeof value === 'string' ? [[name, value] as const] : [],
      ),
  );
  const words = (value: unknown, field: string) =>
    read.list(value, field).map((word) => expandVariables(read.text(word, field), environment));
  const command = words(fields.command, `${at}.command`);
  const args = words(fields.args, `${at}.args`);
  const line = readCommandLine([...command, ...args]);
  const ports = new Map(read.objects(fields.ports, `${at}.ports`).map((port) => [port.name, port.containerPort]));
  const probe = (name: string) => decodeHttpGet(fields[name], `${at}.${name}`, ports, read);
  return {
    name: read.text(fields.name, `${at}.name`),
    image: fields.image === undefined ? '' : read.text(fields.image, `${at}.image`),
    command,
    args,
    environment,
    program: line.program,
    flags: line.program === 'etcd' ? withEtcdEnvironment(line.flags, environment) : line.flags,
    mounts: read
      .objects(fields.volumeMounts, `${at}.volumeMounts`)
      .map((mount, index) => decodeMount(mount, `${at}.volumeMounts[${index}]`, volumes, read))
      .toSorted((a, b) => b.containerPath.length - a.containerPath.length),
    probes: { liveness: probe('livenessProbe'), readiness: probe('readinessProbe'), startup: probe('startupProbe') },
  };
}

function decodeMount(
  mount: Fields,
  at: string,
  volumes: ReadonlyMap<unknown, string | undefined>,
  read: FieldReader,
): StaticContainer['mounts'][number] {
  const containerPath = hostPath(joinPath(hostPath('/'), read.text(mount.mountPath, `${at}.mountPath`)));
  const source = volumes.get(mount.name);
  // Only the running pod knows the expansion of `subPathExpr`.
  if (source === undefined || !source.startsWith('/') || mount.subPathExpr !== undefined) {
    return { containerPath, hostPath: undefined };
  }
  const subPath = mount.subPath === undefined ? '' : read.text(mount.subPath, `${at}.subPath`);
  const volume = typeof mount.name === 'string' ? mount.name : undefined;
  return { containerPath, hostPath: joinPath(hostPath(source), `./${subPath}`), volume };
}

function decodeHttpGet(
  probe: unknown,
  at: string,
  ports: ReadonlyMap<unknown, unknown>,
  read: FieldReader,
): HttpGet | undefined {
  if (probe === undefined || probe === null) return undefined;
  const { httpGet } = read.object(probe, at);
  if (httpGet === undefined || httpGet === null) return undefined;
  const fields = read.object(httpGet, `${at}.httpGet`);
  const port = Number(ports.get(fields.port) ?? fields.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw read.invalid(`${at}.httpGet.port is not a port`, 'restore the file from a backup');
  }
  const path = fields.path === undefined ? '/' : read.text(fields.path, `${at}.httpGet.path`);
  return {
    scheme: fields.scheme === 'HTTPS' ? 'https' : 'http',
    host: fields.host === undefined || fields.host === '' ? undefined : read.text(fields.host, `${at}.httpGet.host`),
    port,
    path: path.startsWith('/') ? path : `/${path}`,
  };
}

/** `$(NAME)` becomes the variable's value if the manifest sets it; `$$(NAME)` is a literal `$(NAME)`. */
function expandVariables(word: string, environment: ReadonlyMap<string, string>): string {
  return word.replace(/\$\$|\$\(([A-Za-z_][\w.-]*)\)/g, (match: string, name: string) =>
    match === '$$' ? '$' : (environment.get(name) ?? match),
  );
}

/** Typed access to parsed YAML; every mismatch is a `MANIFEST_INVALID` that names the field. */
class FieldReader {
  readonly #subject: string;

  constructor(subject: string) {
    this.#subject = subject;
  }

  invalid(message: string, hint: string): NodeConfigError {
    return new NodeConfigError({ code: 'MANIFEST_INVALID', message, subject: this.#subject, hint });
  }

  object(value: unknown, field: string): Fields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
    throw this.#mismatch(field, 'an object');
  }

  list(value: unknown, field: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    throw this.#mismatch(field, 'a list');
  }

  objects(value: unknown, field: string): readonly Fields[] {
    return this.list(value, field).map((item, index) => this.object(item, `${field}[${index}]`));
  }

  text(value: unknown, field: string): string {
    if (typeof value === 'string') return value;
    throw this.#mismatch(field, 'a string');
  }

  texts(value: unknown, field: string): ReadonlyMap<string, string> {
    if (value === undefined || value === null) return new Map();
    const entries = Object.entries(this.object(value, field));
    return new Map(entries.map(([key, text]) => [key, this.text(text, `${field}.${key}`)]));
  }

  #mismatch(field: string, expected: string): NodeConfigError {
    return this.invalid(`${field} is not ${expected}`, 'correct the field, or restore the file from a backup');
  }
}
