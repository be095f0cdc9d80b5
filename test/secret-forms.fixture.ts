import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** Every form of a secret: plain text, hexadecimal, and base64 at any offset. */
export function formsOf(secret: string): readonly string[] {
  return secret.includes('PRIVATE KEY-----') ? formsOfKey(secret) : formsOfBytes(Buffer.from(secret));
}

/** The PEM lines of a key, the PEM encoded in base64, and its DER. */
function formsOfKey(pem: string): readonly string[] {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  const lines = pem.split('\n').slice(2, -3);
  const middle = Buffer.from(pem.slice(80, 176));
  return [
    ...lines.filter((line) => line.length >= 32),
    ...formsOfBytes(middle),
    ...formsOfBytes(der.subarray(-64, -4)),
  ];
}

function formsOfBytes(bytes: Buffer): readonly string[] {
  const base64 = [0, 1, 2].flatMap((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes]);
    // Without the characters that depend on neighbouring bytes.
    const text = whole.toString('base64').slice(4, -4);
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const hex = bytes.toString('hex');
  return [bytes.toString('latin1'), hex, hex.toUpperCase(), ...base64];
}

/** @param where the source of the text, for the message */
export function expectNoSecret(text: string, secrets: readonly string[], where = 'the output'): void {
  const found = secrets.flatMap(formsOf).filter((form) => text.includes(form));
  expect(found.map((form) => `${form.slice(0, 6)}… in ${where}`)).toEqual([]);
  expect(text, where).not.toContain('PRIVATE KEY-----');
}

/** Records the arguments and environments of all processes of this machine until it is stopped. */
export function watchProcesses(): { stop(): string } {
  const seen = new Set<string>();
  const record = (): void => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const file of ['cmdline', 'environ']) {
        try {
          seen.add(readFileSync(`/proc/${pid}/${file}`, 'latin1'));
        } catch {
          // The process has exited, or is not readable.
        }
      }
    }
  };
  const timer = setInterval(record, 75);
  return {
    stop: () => {
      clearInterval(timer);
      return [...seen].join('\n');
    },
  };
}
