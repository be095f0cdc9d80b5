/** The help class, as oclif loads it. */
export { HelpWithExitCodes as default } from 'kube-rescue/command-line';
