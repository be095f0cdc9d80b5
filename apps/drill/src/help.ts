/** As oclif takes it. */
export { HelpWithExitCodes as default } from 'kube-rescue/command-line';
