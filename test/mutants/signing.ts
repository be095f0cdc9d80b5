import type { Mutant } from './mutant.ts';

const TEXTS = { directory: 'packages/node-config', tests: ['configuration/configuration-texts.test.ts'] };
const PEM = { directory: 'packages/x509', tests: ['encoding/pem.test.ts'] };
const LIMITS = { directory: 'packages/x509', tests: ['certificate/ca-limits.test.ts'] };
const FORMATS = { directory: 'packages/cert-rotation', tests: ['renewal/trust-formats.test.ts'] };
const FENCE = { directory: 'packages/cert-rotation', tests: ['judgement/signable.test.ts'] };
const FORBIDDEN = { directory: 'packages/cert-rotation', tests: ['judgement/ca-limits.test.ts'] };

/** A CA is written in the wrong form, or signs what it must not. */
export const SIGNING_MUTANTS: readonly Mutant[] = [
  {
    ...TEXTS,
    name: 'a block in YAML loses its indentation',
    file: 'configuration/scalar-rendering.ts',
    from: "(line === '' ? lineBreak : indent + line + lineBreak)",
    to: '(line + lineBreak)',
  },
  {
    ...TEXTS,
    name: 'a changed configuration is not compared with the old one',
    file: 'configuration/configuration-texts.ts',
    from: '  if (!isDeepStrictEqual(',
    to: '  if (false && !isDeepStrictEqual(',
  },
  {
    ...PEM,
    name: 'indented PEM counts as PEM',
    file: 'encoding/pem.ts',
    from: 'const BEGIN = /^-----',
    to: 'const BEGIN = /^[ \\t]*-----',
  },
  {
    ...PEM,
    name: 'YAML is straightened as PEM',
    file: 'encoding/pem.ts',
    from: '  return isAlone ? straight : undefined;',
    to: '  return straight;',
  },
  {
    ...FORMATS,
    name: 'a file that cannot be changed does not stop a rotation',
    file: 'rotation/trust-stage.ts',
    from: '    if (uneditable !== undefined) return blockedBy(uneditable);\n',
    to: '',
  },
  {
    ...FORMATS,
    name: 'keys of tokens are exchanged with the CA',
    file: 'inventory/trusting-files.ts',
    from: "  'service-account-key-file',\n",
    to: '',
  },
  {
    ...FORMATS,
    name: 'the kubeconfig that a configuration names is forgotten',
    file: 'renewal/trust-format.ts',
    from: "  'kubeConfigFile',\n",
    to: '',
  },
  {
    ...FENCE,
    name: 'a certificate of another user of the cluster is renewed',
    file: 'judgement/signable.ts',
    from: '    return !isAdministrator;',
    to: '    return false;',
  },
  {
    ...FENCE,
    name: 'a plan signs a certificate that was exchanged after the check',
    file: 'renewal/renewal-plans.ts',
    from: '  assertSignable(entry, inventory, { keepsKey: !hasNewKey });\n',
    to: '',
  },
  {
    ...FENCE,
    name: 'reserved groups count in lower case alone',
    file: 'judgement/signable.ts',
    from: '  return /^\\s*(?:system|kubeadm)\\s*:/i.test(',
    to: '  return /^(?:system|kubeadm):/.test(',
  },
  {
    ...FORBIDDEN,
    name: 'a CA signs names that its constraints do not permit',
    file: 'renewal/renewal-plans.ts',
    from: '  if (refusal === undefined) return;\n',
    to: '  return;\n',
  },
  {
    ...LIMITS,
    name: 'excluded names count as permitted',
    file: 'go/constraint-check.ts',
    from: ' || excludes(name, excluded);',
    to: ';',
  },
];
