/** A directory or file of the node that is mounted at the same path. */
export interface Mount {
  readonly name: string;
  readonly path: string;
  readonly type: 'DirectoryOrCreate' | 'FileOrCreate';
  readonly readOnly: boolean;
}

/** The differing parts of kubeadm's static pods. */
export interface Component {
  readonly name: string;
  readonly image: string;
  readonly annotation?: string;
  readonly flags: readonly string[];
  readonly livenessProbe: readonly string[];
  readonly readinessProbe?: readonly string[];
  readonly startupProbe: readonly string[];
  readonly requests: readonly string[];
  readonly volumes: readonly Mount[];
  /** Default: the volumes, in their order. */
  readonly mounts?: readonly Mount[];
}

/** The manifest of a control-plane component in the form of kubeadm v1.20: fields, order and indentation. */
export function staticPodManifest(component: Component): string {
  const { name, image, annotation, volumes, mounts = volumes } = component;
  const lines = [
    'apiVersion: v1',
    'kind: Pod',
    'metadata:',
    ...(annotation === undefined ? [] : ['  annotations:', `    ${annotation}`]),
    '  creationTimestamp: null',
    '  labels:',
    `    component: ${name}`,
    '    tier: control-plane',
    `  name: ${name}`,
    '  namespace: kube-system',
    'spec:',
    '  containers:',
    '  - command:',
    ...[name, ...component.flags].map((argument) => `    - ${argument}`),
    `    image: ${image}`,
    '    imagePullPolicy: IfNotPresent',
    ...section('livenessProbe', component.livenessProbe),
    `    name: ${name}`,
    ...section('readinessProbe', component.readinessProbe),
    '    resources:',
    '      requests:',
    ...component.requests.map((each) => `        ${each}`),
    ...section('startupProbe', component.startupProbe),
    '    volumeMounts:',
    ...mounts.flatMap((mount) => [
      `    - mountPath: ${mount.path}`,
      `      name: ${mount.name}`,
      ...(mount.readOnly ? ['      readOnly: true'] : []),
    ]),
    '  hostNetwork: true',
    '  priorityClassName: system-node-critical',
    '  volumes:',
    ...volumes.flatMap(({ path, type, name: volume }) => [
      '  - hostPath:',
      `      path: ${path}`,
      `      type: ${type}`,
      `    name: ${volume}`,
    ]),
    'status: {}',
  ];
  return `${lines.join('\n')}\n`;
}

function section(key: string, body: readonly string[] | undefined): readonly string[] {
  return body === undefined ? [] : [`    ${key}:`, ...body.map((line) => `      ${line}`)];
}
