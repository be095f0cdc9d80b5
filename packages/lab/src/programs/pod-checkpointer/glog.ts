/** Lines as glog writes them: severity, date, time, thread, place, text. */
type Severity = 'I' | 'W' | 'E' | 'F';

/** @param place file and line of the original that says this, for example `process.go:197` */
export type Log = (severity: Severity, place: string, text: string) => void;

/** @param verbosity what `-v` was given; lines that need more are left out */
export interface Logs {
  readonly log: Log;
  /** For what glog calls `V(4).Infof`. */
  readonly detail: (place: string, text: string) => void;
}

export function createLogs(verbosity: number, write = (line: string): unknown => process.stderr.write(line)): Logs {
  const log: Log = (severity, place, text) => {
    write(`${severity}${renderTime(new Date())} ${String(process.pid).padStart(7)} ${place}] ${text}\n`);
  };
  return { log, detail: (place, text) => (verbosity >= 4 ? log('I', place, text) : undefined) };
}

function renderTime(at: Date): string {
  const iso = at.toISOString();
  return `${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000`;
}
