/** One line of the output of `kubeadm certs check-expiration`. */
export interface ReportedCertificate {
  readonly name: string;
  /** As kubeadm 1.20 prints it: `364d`, `9y`, or `<invalid>` once expired. */
  readonly residualTime: string;
}

const LINE = /^(\S+)\s+\w{3} \d{2}, \d{4} \d{2}:\d{2} UTC\s+(\S+)/;

/** @param table the whole output; headings and remarks are skipped */
export function parseCheckExpiration(table: string): readonly ReportedCertificate[] {
  return table
    .split('\n')
    .map((line) => LINE.exec(line))
    .flatMap((match) => (match === null ? [] : [{ name: match[1] ?? '', residualTime: match[2] ?? '' }]));
}

/** Whether the residual time is positive; kubeadm rounds down, so `0d` counts as expired. */
export function isInTheFuture({ residualTime }: ReportedCertificate): boolean {
  return /^[1-9]\d*[dyhm]/.test(residualTime);
}
