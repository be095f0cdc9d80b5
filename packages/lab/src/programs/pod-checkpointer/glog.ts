/** Lines as glog writes them: severity, date, time, thread, source, text. */
type Severity = 'I' | 'W' | 'E' | 'F';

/** @param source file and line of the original, for example `process.go:197` */
export type Log = (severity: Severity, source: string, text: string) => void;

/** @param verbosity the value of `-v`; lines of a higher level are dropped */
export interface Logs {
  readonly log: Log;
  /** The equivalent of `V(4).Infof` of glog. */
  readonly detail: (source: string, text: string) => void;
}

export function createLogs(verbosity: number, write = (line: string): unknown => process.stderr.write(line)): Logs {
  const log: Log = (severity, source, text) => {
    write(`${severity}${renderTime(new Date())} ${String(process.pid).padStart(7)} ${source}] ${text}\n`);
  };
  return { log, detail: (source, text) => (verbosity >= 4 ? log('I', source, text) : undefined) };
}

function renderTime(at: Date): string {
  const iso = at.toISOString();
  return `${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000`;
}
