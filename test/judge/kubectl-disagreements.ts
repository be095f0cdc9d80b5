import type { KindDisagreement } from './kinds.ts';

/** What we refuse and kubectl 1.20, built with Go 1.19, accepts. No entry is ever `good`. */
export const KUBECTL_DISAGREEMENTS: readonly KindDisagreement[] = [
  {
    ours: 'bad',
    kinds: [
      'cluster/empty',
      'cluster/no-server',
      'cluster/server-null',
      'context/cluster-missing',
      'context/cluster-nowhere',
      'context/context-null',
      'context/empty-current',
      'context/no-current',
      'document/comment',
      'document/empty',
      'document/first-document-empty',
      'document/null',
    ],
    reason: 'kubectl asks localhost:8080 where the kubeconfig has no server; no component does',
  },
  {
    ours: 'bad',
    kinds: ['cluster/ca-key', 'cluster/ca-list', 'cluster/ca-rubbish', 'cluster/ca-trailing-bits'],
    reason: 'client-go passes over CA data without a certificate until a later release, and then trusts no server',
  },
  {
    ours: 'bad',
    kinds: ['context/user-nowhere', 'context/users-null'],
    reason: 'kubectl asks for a name and a password where the user is missing; no component does',
  },
  {
    ours: 'bad',
    kinds: ['user/exec-no-mode', 'user/exec-other-mode'],
    reason: 'kubectl knows v1 of exec plugins, and its interactiveMode, since 1.22',
  },
  {
    ours: 'bad',
    kinds: ['document/tag-binary'],
    reason: "YAML's own tags of other types are not read; no program writes them into a kubeconfig",
  },
  {
    ours: 'bad',
    kinds: ['cluster/compression', 'user/as-uid-alone'],
    reason: 'client-go has these fields since a later release',
  },
  {
    ours: 'bad',
    kinds: ['user/exec-alpha'],
    reason: 'client-go has dropped v1alpha1 of exec plugins since',
  },
  {
    ours: 'bad',
    kinds: ['document/key-case', 'encoding/utf8-two-marks'],
    reason: 'client-go decodes more strictly since a later release',
  },
  {
    ours: 'bad',
    kinds: ['document/cr', 'document/unicode-line-break'],
    reason: 'lines that end with a carriage return alone, or with U+0085, are YAML 1.1 that the parser does not read',
  },
  {
    ours: 'bad',
    kinds: ['chain of a server constraint-second-bits-behind-mask', 'chain of a server host-wildcard-alone'],
    reason: 'newer releases of Go compare names more strictly than 1.19',
  },
];
