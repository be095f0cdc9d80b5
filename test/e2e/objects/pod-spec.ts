/** A pod spec with most of the possible fields. */
export const podSpec = {
  containers: [
    {
      name: 'a',
      image: 'x/y:1',
      command: ['a'],
      args: ['--x'],
      env: [
        {
          name: 'A',
          value: 'b',
        },
        {
          name: 'E',
          value: '',
        },
        {
          name: 'P',
          valueFrom: {
            fieldRef: {
              fieldPath: 'status.podIP',
            },
          },
        },
        {
          name: 'S',
          valueFrom: {
            secretKeyRef: {
              name: 's',
              key: 'k',
              optional: false,
            },
          },
        },
        {
          name: 'R',
          valueFrom: {
            resourceFieldRef: {
              resource: 'limits.cpu',
              divisor: '1m',
            },
          },
        },
      ],
      envFrom: [
        {
          configMapRef: {
            name: 'cm',
          },
        },
      ],
      ports: [
        {
          containerPort: 80,
          hostPort: 80,
          name: 'web',
          protocol: 'TCP',
        },
      ],
      resources: {
        limits: {
          cpu: '1500m',
          memory: '1Gi',
        },
        requests: {
          cpu: '0.5',
        },
      },
      livenessProbe: {
        httpGet: {
          path: '/',
          port: 'web',
          httpHeaders: [
            {
              name: 'a',
              value: 'b',
            },
          ],
        },
        initialDelaySeconds: 1,
      },
      readinessProbe: {
        tcpSocket: {
          port: 80,
        },
      },
      startupProbe: {
        exec: {
          command: ['x'],
        },
      },
      lifecycle: {
        preStop: {
          exec: {
            command: ['s'],
          },
        },
      },
      securityContext: {
        privileged: true,
        capabilities: {
          add: ['NET_ADMIN'],
        },
        runAsUser: 0,
        allowPrivilegeEscalation: true,
        readOnlyRootFilesystem: false,
        seccompProfile: {
          type: 'RuntimeDefault',
        },
      },
      volumeMounts: [
        {
          name: 'v1',
          mountPath: '/v1',
          readOnly: true,
          mountPropagation: 'HostToContainer',
        },
        {
          name: 'v2',
          mountPath: '/v2',
          subPath: 'x',
        },
      ],
    },
  ],
  initContainers: [
    {
      name: 'i',
      image: 'z',
    },
  ],
  hostNetwork: true,
  hostPID: false,
  nodeSelector: {
    a: 'b',
  },
  tolerations: [
    {
      operator: 'Exists',
    },
    {
      key: 'k',
      operator: 'Equal',
      value: 'v',
      effect: 'NoExecute',
      tolerationSeconds: 0,
    },
  ],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              {
                key: 'a',
                operator: 'In',
                values: ['b'],
              },
            ],
          },
        ],
      },
    },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 1,
          podAffinityTerm: {
            topologyKey: 't',
            labelSelector: {
              matchLabels: {
                a: 'b',
              },
            },
          },
        },
      ],
    },
  },
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'z',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: {
        matchLabels: {
          a: 'b',
        },
      },
    },
  ],
  hostAliases: [
    {
      ip: '1.2.3.4',
      hostnames: ['h'],
    },
  ],
  dnsConfig: {
    nameservers: ['1.1.1.1'],
    options: [
      {
        name: 'ndots',
        value: '2',
      },
      {
        name: 'x',
      },
    ],
  },
  readinessGates: [
    {
      conditionType: 'a.b/c',
    },
  ],
  securityContext: {
    fsGroup: 1,
    sysctls: [
      {
        name: 'net.x',
        value: '1',
      },
    ],
    seLinuxOptions: {
      level: 's0',
    },
  },
  imagePullSecrets: [
    {
      name: 'p',
    },
  ],
  terminationGracePeriodSeconds: 0,
  enableServiceLinks: false,
  automountServiceAccountToken: false,
  volumes: [
    {
      name: 'v1',
      secret: {
        secretName: 's',
        defaultMode: 256,
        items: [
          {
            key: 'a',
            path: 'b',
            mode: 0,
          },
        ],
        optional: true,
      },
    },
    {
      name: 'v2',
      hostPath: {
        path: '/x',
        type: '',
      },
    },
    {
      name: 'v3',
      emptyDir: {},
    },
    {
      name: 'v4',
      emptyDir: {
        medium: 'Memory',
        sizeLimit: '1Gi',
      },
    },
    {
      name: 'v5',
      configMap: {
        name: 'c',
      },
    },
    {
      name: 'v6',
      projected: {
        sources: [
          {
            configMap: {
              name: 'c',
            },
          },
          {
            downwardAPI: {
              items: [
                {
                  path: 'p',
                  fieldRef: {
                    fieldPath: 'metadata.name',
                  },
                },
              ],
            },
          },
          {
            secret: {
              name: 'q',
            },
          },
        ],
      },
    },
    {
      name: 'v7',
      nfs: {
        server: 's',
        path: '/p',
      },
    },
    {
      name: 'v8',
      persistentVolumeClaim: {
        claimName: 'c',
      },
    },
    {
      name: 'v9',
      csi: {
        driver: 'd',
        readOnly: true,
        volumeAttributes: {
          a: 'b',
        },
      },
    },
    {
      name: 'v10',
      rbd: {
        monitors: ['m'],
        image: 'i',
      },
    },
    {
      name: 'v11',
      iscsi: {
        targetPortal: '1.1.1.1',
        iqn: 'iqn.2001-04.com.x:y',
        lun: 0,
      },
    },
  ],
};
