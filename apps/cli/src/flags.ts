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

/** Flags that say which node is meant, and how it is kept. */
export const nodeFlags = {
  root: Flags.string({
    description: "work on a copy of a node's filesystem below this folder",
    helpValue: 'DIR',
    helpGroup: 'GLOBAL',
  }),
  'kubernetes-dir': Flags.string({
    description: 'where this node keeps manifests and kubeconfigs',
    default: '/etc/kubernetes',
    helpValue: 'DIR',
    helpGroup: 'GLOBAL',
  }),
  'service-command': Flags.string({
    description: 'program that is called as PROGRAM start|stop|restart|status NAME instead of systemctl',
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

/** Opens what an earlier run has sealed. */
export const backupIdentityFlag = Flags.string({
  description: 'file with the age identity that opens backups which were encrypted',
  helpValue: 'FILE',
});

/** How a command that writes is confirmed. */
export const confirmationFlags = {
  'dry-run': Flags.boolean({ description: 'show what would be changed and change nothing; wins over --yes' }),
  yes: Flags.boolean({ char: 'y', description: 'do not ask; needed where there is no terminal to ask on' }),
};

/** Flags of every command that makes a run. */
export const writeFlags = {
  'backup-recipient': Flags.string({
    description: 'encrypt what is kept for the way back to this age public key (more than once: any of them opens it)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'age1…',
  }),
  ...confirmationFlags,
};

export const selectionFlags = {
  only: Flags.string({
    description: 'only this step, or the steps below this name (more than once: any of them)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'STEP',
  }),
  skip: Flags.string({
    description: 'leave out this step, or the steps below this name; wins over --only',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'STEP',
  }),
};

/** How certificates are renewed. */
export const renewalFlags = {
  'new-keys': Flags.boolean({ description: 'make new private keys; without it every certificate keeps its key' }),
  days: days({ description: "lifetime of new certificates; never beyond the CA's", default: 365 }),
  'expiring-within': days({ description: 'renew what expires within this time, too', default: 7 }),
};

export const warnWithinFlag = days({
  description: 'a certificate that expires within this time is worth a warning and exit 3',
  default: 30,
});

/** Named here too, so that `--help` need not load the packages. */
const KEY_ALGORITHMS = [
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
  'ecdsa-p256',
  'ecdsa-p384',
] as const satisfies readonly NewKeyAlgorithm[];

export const keyAlgorithmFlag = Flags.option({
  options: KEY_ALGORITHMS,
  description: 'what the new keys are; without it, what the old ones are',
  dependsOn: ['new-keys'],
})();

/** The key of a CA that is made anew. */
export const caKeyFlag = Flags.option({
  options: KEY_ALGORITHMS,
  description: "what the new CA's key is; without it, what the old one's is",
  exclusive: ['same-key'],
})();
