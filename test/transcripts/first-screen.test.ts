import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { TRANSCRIPTS } from './record.ts';

/** What a command shows on a machine in a terminal of 80 columns and 24 lines. */
async function linesOf(machine: string, command: string): Promise<readonly string[]> {
  const page = await readFile(new URL(`${machine}.md`, TRANSCRIPTS), 'utf8');
  const [, after = ''] = page.split(`## kube-rescue ${command}\n`);
  const [, text = ''] = /```text\n(.*?)\n```/s.exec(after) ?? [];
  return text.split('\n');
}

const MACHINES = ['healthy', 'expired', 'ca-expired', 'key-missing', 'worker', 'empty'];

describe('the first screen', () => {
  it.each([
    ['triage', 23],
    ['plan', 39],
    ['certs check', 29],
    ['recover --dry-run', 39],
  ])('of %s on a node where everything has expired has at most %i lines and a prompt', async (command, most) => {
    const lines = await linesOf('expired', command);
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThanOrEqual(most);
  });

  it.each(MACHINES)('of triage fits on %s, with what to do next in its last lines', async (machine) => {
    const lines = await linesOf(machine, 'triage');
    expect(lines.length).toBeLessThanOrEqual(23);
    const last = lines.slice(-7).join('\n');
    expect(last).toMatch(machine === 'healthy' ? /^healthy: /m : machine === 'empty' ? /hint: / : /^next: /m);
  });

  it('has no line over 80 columns, apart from a command to paste', async () => {
    for (const machine of MACHINES) {
      for (const command of ['triage', 'plan', 'certs check', 'recover --dry-run', 'recover --yes']) {
        const wide = (await linesOf(machine, command)).filter(
          (line) => line.length > 80 && !/^(?:next|details|roll back with): |`/.test(line),
        );
        expect({ machine, command, wide }).toEqual({ machine, command, wide: [] });
      }
    }
  });

  it('says that recover refuses where a key is missing, and never sends a dead cluster to certs renew', async () => {
    expect((await linesOf('key-missing', 'plan')).join(' ')).toContain('REFUSED, nothing will be changed');
    expect((await linesOf('expired', 'certs check')).join(' ')).not.toContain('certs renew');
  });
});
