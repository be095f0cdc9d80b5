import { type Answer, NodeCommand } from '../../base-command.ts';
import { EXIT } from '../../exit-codes.ts';
import { warnWithinFlag } from '../../flags.ts';
import { renderCertificates } from '../../render/certificates.ts';
import { recovery } from '../../wiring.ts';

export default class CertsCheck extends NodeCommand {
  static override summary = 'Judge every certificate that this node uses.';
  static override description =
    'Finds them in the flags of the components and in the kubeconfigs. Exits 3 when one is bad or expires within the time of --warn-within. Changes nothing.';
  static override examples = [
    '<%= config.bin %> certs check',
    '<%= config.bin %> certs check --warn-within 60d --json',
  ];
  static override flags = { 'warn-within': warnWithinFlag };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(CertsCheck);
    const { node, deps, reporter } = await this.openSession(flags);
    const { checkCertificates } = await recovery();
    const certificates = await checkCertificates({ ...node, warnWithinDays: flags['warn-within'] }, deps);
    for (const { id, status, problems } of certificates) {
      if (status === 'warning') for (const { message } of problems) reporter.warn(`${id}: ${message}`);
    }
    const isSound = certificates.every(({ status, problems }) => status !== 'problem' && !problems.some(expiresSoon));
    return {
      result: { certificates },
      exitCode: isSound ? EXIT.done : EXIT.problems,
      text: (terminal) => renderCertificates(certificates, terminal),
    };
  }
}

/** Whoever asks to be warned wants to see it in the exit status. */
function expiresSoon({ code }: { readonly code: string }): boolean {
  return code === 'PKI_CERTIFICATE_EXPIRES_SOON';
}
