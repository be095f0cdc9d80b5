import { describe, expect, it } from 'vitest';
import { API_SERVER_DIRECTORY, API_SERVER_FLAGS, renderApiServerFiles } from './api-server-files.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const files = renderApiServerFiles({
  url: 'https://10.200.0.12:8443',
  ca: PEM,
  client: { certificate: PEM, key: 'key' },
  encryptionKey: Buffer.alloc(32),
});

describe('the further files of an API server', () => {
  it('are all that its flags name', () => {
    const named = Object.values(API_SERVER_FLAGS).filter((value) => value.startsWith(`${API_SERVER_DIRECTORY}/`));
    for (const path of named) expect(Object.keys(files)).toContain(path.slice(API_SERVER_DIRECTORY.length + 1));
    expect(files['authorization.yaml']).toContain(`${API_SERVER_DIRECTORY}/authorization-webhook.conf`);
  });

  it('hold the cluster CA inline', () => {
    expect(files['authentication.yaml']?.replaceAll(/^ {8}/gm, '')).toContain(PEM);
    const data = Buffer.from(PEM).toString('base64');
    for (const name of ['audit-webhook.conf', 'authorization-webhook.conf']) expect(files[name]).toContain(data);
  });
});
