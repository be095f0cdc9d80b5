import type { NewKeyAlgorithm } from '@kube-rescue/x509';
import { Flags } from '@oclif/core';
import { parseDuration } from './duration.ts';

const SECONDS_PER_DAY = 86_400;

/** A duration in days: `30d`, `72h`, `1w`; a number without a unit is days. */
export const days = Flags.custom<number>({
  helpValue: 'DAYS',
  parse: async (text) => {
    const duration = parseDuration(text, 'd');
    if (duration !== undefined) return duration / SECONDS_PER_DAY;
    throw new Error(`${text} is not a duration, such as 30d or 72h`);
  },
});

/** A duration in seconds: `90s`, `5m`, `1h`; a number without a unit is seconds. */
export const seconds = Flags.custom<number, { readonly least?: number; readonly most?: number }>({
  helpValue: 'DURATION',
  parse: async (text, _context, { least = 0, most = Number.MAX_SAFE_INTEGER }) => {
    const duration = parseDuration(text, 's');
    if (duration === undefined) throw new Error(`${text} is not a duration, such as 90s or 5m`);
    if (duration >= least && duration <= most) return duration;
    throw new Error(`${text} is not between ${least} and ${most} seconds`);
  },
});

/** Formats of every answer; a command with more has its own flag. */
export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'yaml'] as const;

/** The flags of every command. */
export const outputFlags = {
  output: Flags.string({
    char: 'o',
    options: OUTPUT_FORMATS,
    description: 'output format; wide has all columns, and cuts none',
    default: 'table',
    helpGroup: 'GLOBAL',
  }),
  json: Flags.boolean({ description: 'the same as --output json', helpGroup: 'GLOBAL' }),
  'no-color': Flags.boolean({ description: 'no colours, as with NO_COLOR', helpGroup: 'GLOBAL' }),
};

const serviceFlags = ({ hidden }: { readonly hidden: boolean }) => ({
  'service-command': Flags.string({
    description: 'program called as PROGRAM start|stop|restart|status NAME instead of systemctl',
    helpValue: 'PROGRAM',
    helpGroup: 'GLOBAL',
    hidden,
  }),
  'kubelet-service': Flags.string({
    description: "name of the kubelet's service",
    default: 'kubelet',
    helpValue: 'NAME',
    helpGroup: 'GLOBAL',
    hidden,
  }),
});

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
  'manifests-dir': Flags.string({
    description: 'directory of static pod manifests; default: by the configuration of the kubelet',
    helpValue: 'DIR',
    helpGroup: 'GLOBAL',
  }),
  ...serviceFlags({ hidden: false }),
};

/** The node flags of a command that reads journals: it restarts nothing, and takes the others without showing them. */
export const journalFlags = {
  ...nodeFlags,
  ...serviceFlags({ hidden: true }),
};

/** Decrypts the backups of an earlier run. */
export const backupIdentityFlag = Flags.string({
  description: 'age identity file that decrypts the backups',
  helpValue: 'FILE',
});

/** Confirmation of a command that writes. */
export const confirmationFlags = {
  'dry-run': Flags.boolean({ description: 'show the changes without making them; wins over --yes' }),
  yes: Flags.boolean({ char: 'y', description: 'do not ask for confirmation; required without a terminal' }),
};

/** Of every command whose text is brief by default. */
export const verboseFlag = {
  verbose: Flags.boolean({ char: 'v', description: 'all details, not only what fits on a screen' }),
};

/** Flags of every command that makes a run. */
export const writeFlags = {
  'backup-recipient': Flags.string({
    description: 'age recipient of the backups (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'age1…',
  }),
  ...confirmationFlags,
  ...verboseFlag,
};

export const selectionFlags = {
  only: Flags.string({
    description: 'only this step or its substeps (repeatable)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'STEP',
  }),
  skip: Flags.string({
    description: 'skip this step or its substeps (repeatable); wins over --only',
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
      "lifetime of new certificates; never beyond the CA's; default: the lifetime of the certificate that is replaced",
  }),
  'renew-within': days({
    description:
      'also renew what expires within this time; default: 7d, at most a third of the lifetime of the certificate',
    aliases: ['expiring-within'],
  }),
};

/** Overrides the check of the clock, for every command that issues or installs certificates. */
export const clockFlag = {
  'clock-is-right': Flags.boolean({
    description: 'trust this clock; issue and judge certificates by it, although other dates contradict it',
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
