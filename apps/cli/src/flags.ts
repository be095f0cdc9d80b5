import type { NewKeyAlgorithm } from '@kube-rescue/x509';
import { Flags } from '@oclif/core';

const DAYS = /^(\d{1,5})d?$/;

/** A number of days: `30d` or `30`. */
export const days = Flags.custom<number>({
  helpValue: 'DAYS',
  parse: async (text) => {
    const [, number] = DAYS.exec(text) ?? [];
    if (number !== undefined) return Number(number);
    throw new Error(`${text} is not a number of days, such as 30d`);
  },
});

/** The flag of every command. */
export const jsonFlag = {
  json: Flags.boolean({ description: 'print one JSON document instead of text', helpGroup: 'GLOBAL' }),
};

/** Flags that select the node, its directories and its service manager. */
export const nodeFlags = {
  root: Flags.string({
    description: "work on a copy of a node's filesystem in this directory",
    helpValue: 'DIR',
    helpGroup: 'GLOBAL',
  }),
  'kubernetes-dir': Flags.string({
    description: "directory of the node's manifests and kubeconfigs",
    default: '/etc/kubernetes',
    helpValue: 'DIR',
    helpGroup: 'GLOBAL',
  }),
  'service-command': Flags.string({
    description: 'program called as PROGRAM start|stop|restart|status NAME instead of systemctl',
    helpValue: 'PROGRAM',
    helpGroup: 'GLOBAL',
  }),
  'kubelet-service': Flags.string({
    description: "name of the kubelet's service",
    default: 'kubelet',
    helpValue: 'NAME',
    helpGroup: 'GLOBAL',
  }),
};

/** Decrypts the backups of an earlier run. */
export const backupIdentityFlag = Flags.string({
  description: 'file with the age identity that decrypts the backups of the run',
  helpValue: 'FILE',
});

/** Confirmation of a command that writes. */
export const confirmationFlags = {
  'dry-run': Flags.boolean({ description: 'show the changes without making them; wins over --yes' }),
  yes: Flags.boolean({ char: 'y', description: 'do not ask for confirmation; required without a terminal' }),
};

/** Flags of every command that makes a run. */
export const writeFlags = {
  'backup-recipient': Flags.string({
    description: 'encrypt backups to this age recipient (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'age1…',
  }),
  ...confirmationFlags,
};

export const selectionFlags = {
  only: Flags.string({
    description: 'only this step, or the steps below this name (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'STEP',
  }),
  skip: Flags.string({
    description: 'skip this step, or the steps below this name (repeatable); wins over --only',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'STEP',
  }),
};

/** How certificates are renewed. */
export const renewalFlags = {
  'new-keys': Flags.boolean({ description: 'generate new private keys; default: every certificate keeps its key' }),
  days: days({
    description:
      "lifetime of new certificates, never beyond the CA's; default: the lifetime of the certificate that is replaced",
  }),
  'expiring-within': days({
    description:
      'also renew certificates that expire within this time; default: 7d, at most a third of the lifetime of the certificate',
  }),
};

/** Overrides the check of the clock, for every command that issues or installs certificates. */
export const clockFlag = {
  'clock-is-right': Flags.boolean({
    description: "issue and judge certificates by this machine's clock, although other dates contradict it",
  }),
};

export const warnWithinFlag = days({
  description:
    'warn and exit 3 for certificates that expire within this time; default: 30d, at most a third of the lifetime of the certificate',
});

/** Repeated here, so that `--help` does not load the packages. */
const KEY_ALGORITHMS = [
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'ecdsa-p256',
  'ecdsa-p384',
] as const satisfies readonly NewKeyAlgorithm[];

export const keyAlgorithmFlag = Flags.option({
  options: KEY_ALGORITHMS,
  description: 'algorithm of the new keys; default: the algorithm of the old keys',
  dependsOn: ['new-keys'],
})();

/** Algorithm of a new CA key. */
export const caKeyFlag = Flags.option({
  options: KEY_ALGORITHMS,
  description: 'algorithm of the new CA key; default: the algorithm of the old key',
  exclusive: ['same-key'],
})();

/** Algorithm of a new key of service account tokens. */
export const tokenKeyFlag = Flags.option({
  options: KEY_ALGORITHMS,
  description: 'algorithm of the new key; default: the algorithm of the old key',
})();
