import { type HostPath, hostPath } from '@kube-rescue/host';
import { createFixedClock, type TreeEntry } from '@kube-rescue/testing';
import { parseCertificates } from '@kube-rescue/x509';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createAdoptionSteps } from '../adoption/adoption-steps.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { directJournal, kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { createDropStageStep } from '../rotation/drop-stage.ts';
import { createIssueStageStep } from '../rotation/issue-stage.ts';
import { createTrustStageStep } from '../rotation/trust-stage.ts';
import { reportCertificates } from '../judgement/report.ts';
import { createReissueSteps } from './ca-steps.ts';
import { createRenewalSteps } from './renewal-steps.ts';

const { signal } = new AbortController();
const clock = createFixedClock(NOW);
const CA = '/etc/kubernetes/pki/ca.crt';
const AUTHN = '/etc/kubernetes/authn.yaml';
const AUTHZ = '/etc/kubernetes/authz.yaml';
const EGRESS = '/etc/kubernetes/egress.yaml';
const ADMISSION = '/etc/kubernetes/admission/config.yaml';
const STATIC = '/etc/kubernetes/admission/static';

const indent = (pem: string, blanks: string): string => pem.replaceAll(/^(?=.)/gm, blanks);
const authentication = (pem: string): string =>
  `# who may log in\napiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://login.example\n    certificateAuthority: |\n${indent(pem, '      ')}  claimMappings:\n    username: {claim: sub, prefix: ""}\n`;
const webhook = (pem: string): string =>
  `apiVersion: v1\nkind: Config\nclusters:\n- name: authorizer\n  cluster:\n    server: https://authorizer.example\n    certificate-authority-data: ${Buffer.from(pem).toString('base64')}\nusers: []\ncontexts: []\n`;

const staticWebhooks = (pem: string): string =>
  `# static webhooks\napiVersion: v1\nkind: ConfigMap\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nwebhooks:\n- name: w.example # ours\n  clientConfig:\n    url: https://w.example\n    caBundle: ${Buffer.from(pem).toString('base64')}\n`;

const FLAGS = {
  'kube-apiserver': {
    'authentication-config': AUTHN,
    'authorization-config': AUTHZ,
    'authentication-token-webhook-config-file': '/etc/kubernetes/token-webhook.yaml',
    'audit-webhook-config-file': '/etc/kubernetes/audit-webhook.yaml',
    'egress-selector-config-file': EGRESS,
    'admission-control-config-file': ADMISSION,
    'oidc-ca-file': '/etc/kubernetes/oidc-ca.pem',
    'encryption-provider-config': '/etc/kubernetes/encryption.yaml',
    'service-account-key-file': '/etc/kubernetes/sa-certificate.pem',
    'cloud-config': '/etc/kubernetes/cloud.conf',
  },
} as const;

/** A node whose API server trusts the cluster CA by every flag that names a file. */
const trustingNode = (options: Parameters<typeof kubeadmNode>[0], edit?: Parameters<typeof kubeadmNode>[1]) =>
  kubeadmNode(
    { algorithm: 'ecdsa', ...options },
    async (files, pki) => {
      const pem = textIn(files, CA);
      putFile(files, AUTHN, authentication(pem));
      putFile(
        files,
        AUTHZ,
        'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n- type: Webhook\n  name: w\n  webhook:\n    connectionInfo: {type: KubeConfigFile, kubeConfigFile: /etc/kubernetes/authz-webhook.kubeconfig}\n',
      );
      putFile(files, '/etc/kubernetes/webhooks/authz', webhook(pem));
      putFile(files, '/etc/kubernetes/authz-webhook.kubeconfig', webhook(pem));
      putFile(files, '/etc/kubernetes/token-webhook.yaml', webhook(pem));
      putFile(
        files,
        '/etc/kubernetes/audit-webhook.yaml',
        webhook(pem).replace(/certificate-authority-data: .*/, 'certificate-authority: audit-ca.pem'),
      );
      putFile(files, '/etc/kubernetes/audit-ca.pem', pem);
      putFile(
        files,
        EGRESS,
        '{"kind": "EgressSelectorConfiguration", "egressSelections": [{"name": "cluster", "connection": {"transport": {"tcp": {"tlsConfig": {"caBundle": "/etc/kubernetes/konnectivity-ca.pem"}}}}}]}',
      );
      putFile(files, '/etc/kubernetes/konnectivity-ca.pem', `# konnectivity\n${pem}`);
      putFile(
        files,
        ADMISSION,
        'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: ImagePolicyWebhook\n  path: image-policy.json\n- name: ValidatingAdmissionWebhook\n  configuration: {kind: WebhookAdmissionConfiguration, kubeConfigFile: /etc/kubernetes/admission/webhooks.conf, staticManifestsDir: /etc/kubernetes/admission/static}\n',
      );
      putFile(files, `${STATIC}/hooks.yaml`, staticWebhooks(pem));
      putFile(files, `${STATIC}/hooks.yaml.old`, staticWebhooks(pem));
      putFile(files, `${STATIC}/below/hooks.yaml`, staticWebhooks(pem));
      putFile(
        files,
        '/etc/kubernetes/admission/image-policy.json',
        '{"imagePolicy": {"kubeConfigFile": "/etc/kubernetes/admission/images.conf"}}',
      );
      putFile(files, '/etc/kubernetes/admission/images.conf', webhook(pem));
      putFile(files, '/etc/kubernetes/admission/webhooks.conf', webhook(pem));
      putFile(files, '/etc/kubernetes/oidc-ca.pem', pem);
      putFile(
        files,
        '/etc/kubernetes/encryption.yaml',
        `kind: EncryptionConfiguration\nresources: []\nnote: |\n${indent(pem, '  ')}`,
      );
      putFile(files, '/etc/kubernetes/sa-certificate.pem', pem);
      putFile(files, '/etc/kubernetes/cloud.conf', '[Global]\nca-file = "/etc/kubernetes/cloud-ca.pem"\n');
      putFile(files, '/etc/kubernetes/cloud-ca.pem', pem);
      await edit?.(files, pki);
    },
    FLAGS,
  );

const PEM_FILES = ['oidc-ca.pem', 'audit-ca.pem', 'konnectivity-ca.pem', 'cloud-ca.pem'];
const KUBECONFIGS = [
  'authz-webhook.kubeconfig',
  'token-webhook.yaml',
  'admission/images.conf',
  'admission/webhooks.conf',
];
const UNTOUCHED = [
  'encryption.yaml',
  'sa-certificate.pem',
  'webhooks/authz',
  'authz.yaml',
  'egress.yaml',
  'cloud.conf',
  'admission/static/hooks.yaml.old',
  'admission/static/below/hooks.yaml',
];

async function trustIn(node: Node) {
  const at = (name: string): Promise<string> => textAt(node.host, `/etc/kubernetes/${name}`);
  const kubeconfigs = await Promise.all(
    KUBECONFIGS.map(async (name) => {
      const { clusters } = parse(await at(name)) as { clusters: [{ cluster: Record<string, string> }] };
      return Buffer.from(clusters[0].cluster['certificate-authority-data'] ?? '', 'base64').toString();
    }),
  );
  const { jwt } = parse(await at('authn.yaml')) as { jwt: [{ issuer: { certificateAuthority: string } }] };
  const pems = await Promise.all(PEM_FILES.map(at));
  const caBundle = /caBundle: (\S+)/.exec(await at('admission/static/hooks.yaml'))?.[1] ?? '';
  const hooks = Buffer.from(caBundle, 'base64').toString();
  return [jwt[0].issuer.certificateAuthority, hooks, ...kubeconfigs, ...pems].map((pem) =>
    parseCertificates(pem, 'x').map(({ x509 }) => x509.fingerprint256),
  );
}

async function caOf(node: Node): Promise<readonly string[]> {
  return parseCertificates(await textAt(node.host, CA), CA).map(({ x509 }) => x509.fingerprint256);
}

async function expectUntouched(node: Node): Promise<void> {
  for (const name of UNTOUCHED) {
    const path = `/etc/kubernetes/${name}`;
    expect(await textAt(node.host, path)).toBe(textIn(node.tree, path));
  }
}

type AnyStep = ReturnType<typeof createReissueSteps>[number];

async function run(step: AnyStep | undefined, node: Node): Promise<readonly string[]> {
  const finding = await step?.check(signal);
  expect(finding).toMatchObject({ status: 'needed' });
  if (step === undefined || finding === undefined) return [];
  await step.apply(step.plan(finding), directJournal(node.host), signal);
  expect(await step.verify(signal)).toMatchObject({ verified: true });
  return finding.evidence;
}

async function reissueStep(node: Node): Promise<AnyStep | undefined> {
  const inventory = await inspectCertificates(node.input, node);
  return createReissueSteps({ inventory, options: { force: ['cluster'] } }, { host: node.host, clock })[0];
}

const contextOf = (node: Node) => ({
  ca: 'cluster' as const,
  inspection: async () => node.input,
  host: node.host,
  clock,
});

describe('every file that trusts the cluster CA gets the new one in its own format', () => {
  it.each([
    ['when the expired CA is reissued', { expired: ['ca'] as const }],
    ['when a valid CA is reissued', {}],
  ])('%s', async (_title, options) => {
    const node = await trustingNode(options);
    const before = await caOf(node);
    await run(await reissueStep(node), node);
    const after = await caOf(node);
    expect(after).not.toEqual(before);
    expect(new Set((await trustIn(node)).map(String))).toEqual(new Set([String(after)]));
    expect(await textAt(node.host, AUTHN)).toBe(authentication(await textAt(node.host, CA)));
    expect(await textAt(node.host, `${STATIC}/hooks.yaml`)).toBe(staticWebhooks(await textAt(node.host, CA)));
    expect(await textAt(node.host, '/etc/kubernetes/konnectivity-ca.pem')).toMatch(/^# konnectivity\n-----BEGIN/);
    await expectUntouched(node);
  });

  it('in all stages of a rotation', async () => {
    const node = await trustingNode({});
    const context = contextOf(node);
    const old = await caOf(node);
    await run(createTrustStageStep({}, context), node);
    const both = await caOf(node);
    expect(both).toHaveLength(2);
    expect(new Set((await trustIn(node)).map(String))).toEqual(new Set([String(both)]));
    await run(createIssueStageStep(context), node);
    await run(createDropStageStep({ requires: [] }, context), node);
    expect(await caOf(node)).toEqual([both.find((each) => !old.includes(each))]);
    expect(new Set((await trustIn(node)).map(String))).toEqual(new Set([String(await caOf(node))]));
    expect(await textAt(node.host, AUTHN)).toBe(authentication(await textAt(node.host, CA)));
    expect(await textAt(node.host, `${STATIC}/hooks.yaml`)).toBe(staticWebhooks(await textAt(node.host, CA)));
    await expectUntouched(node);
  });

  it('when a certificate set with another CA is adopted', async () => {
    const other = await kubeadmNode({ algorithm: 'ecdsa' });
    const node = await trustingNode({ expired: ['ca'] }, (files) => {
      for (const [path, entry] of other.tree) {
        if (entry.kind === 'file') files.set(hostPath(`/root/set${path}`), entry);
      }
    });
    const set = { path: hostPath('/root/set'), files: node.host };
    const [cas] = await createAdoptionSteps({ set, node: node.input }, { host: node.host, clock });
    await run(cas, node);
    expect(new Set((await trustIn(node)).map(String))).toEqual(
      new Set([String(parseCertificates(textIn(other.tree, CA), CA).map(({ x509 }) => x509.fingerprint256))]),
    );
    await expectUntouched(node);
  });
});

function putBytes(files: Map<HostPath, TreeEntry>, latin1: string): void {
  files.set(hostPath(AUTHN), { kind: 'file', bytes: Buffer.from(latin1, 'latin1'), mode: 0o600 });
}

describe('a file with the CA that cannot be changed is named and stays as it is', () => {
  const BROKEN = [
    ['YAML that does not parse', (pem: string) => `${authentication(pem)}  claimMappings: twice\n\t bad: [\n`],
    [
      'PEM on one line',
      (pem: string) =>
        authentication(pem).replace(
          /certificateAuthority: [^]*END CERTIFICATE-----/,
          `certificateAuthority: "${pem.trim().replaceAll('\n', ' ')}"`,
        ),
    ],
    ['UTF-16', (pem: string) => Buffer.from(authentication(pem), 'utf16le').toString('latin1')],
  ] as const;

  it.each(BROKEN)('by a reissue: %s', async (_title, breakFile) => {
    const node = await trustingNode({ expired: ['ca'] }, (files) => putBytes(files, breakFile(textIn(files, CA))));
    const evidence = await run(await reissueStep(node), node);
    expect(evidence.find((line) => line.startsWith(AUTHN))).toMatch(
      /is not changed: .*; replace the CA in it by hand$/,
    );
    expect(await textAt(node.host, AUTHN)).toBe(textIn(node.tree, AUTHN));
  });

  it.each(BROKEN)('and no rotation begins: %s', async (_title, breakFile) => {
    const node = await trustingNode({}, (files) => putBytes(files, breakFile(textIn(files, CA))));
    const finding = await createTrustStageStep({}, contextOf(node)).check(signal);
    expect(finding).toMatchObject({ status: 'blocked', code: 'PKI_TRUST_UNEDITABLE', changes: [] });
    expect(finding.summary).toContain(AUTHN);
  });

  it('and a flag without a known file is named', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['ca'] }, undefined, {
      'kube-apiserver': { 'oidc-ca-file': '$CREDENTIALS_DIRECTORY/oidc-ca' },
    });
    expect((await run(await reissueStep(node), node)).join('\n')).toContain(
      '--oidc-ca-file=$CREDENTIALS_DIRECTORY/oidc-ca',
    );
  });
});

it('YAML with an indented certificate is never taken for a damaged PEM file', async () => {
  const node = await trustingNode({ expired: ['ca'] }, (files) =>
    putFile(files, AUTHN, `a: [\n${authentication(textIn(files, CA))}`),
  );
  await run(await reissueStep(node), node);
  expect(await textAt(node.host, AUTHN)).toBe(textIn(node.tree, AUTHN));
});

describe('PEM that Go cannot read for blanks or line ends alone', () => {
  const MISSHAPE = [
    ['four blanks before each line', (pem: string) => indent(pem, '    ')],
    ['a carriage return alone at each end of line', (pem: string) => pem.replaceAll('\n', '\r')],
    ['a byte order mark', (pem: string) => `\u{feff}${pem}`],
  ] as const;
  const FILES = ['ca.crt', 'apiserver.crt', 'apiserver.key', 'etcd/ca.crt', 'etcd/peer.crt'];

  it.each(MISSHAPE.flatMap(([title, misshape]) => FILES.map((file) => [file, title, misshape] as const)))(
    'is a problem in %s and written again: %s',
    async (file, _title, misshape) => {
      const path = `/etc/kubernetes/pki/${file}`;
      const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) =>
        putFile(files, path, misshape(textIn(files, path))),
      );
      const inventory = await inspectCertificates(node.input, node);
      const problems = reportCertificates(inventory, { now: NOW }).flatMap((row) => row.problems);
      expect(problems.map(({ code, subject }) => [code, subject])).toContainEqual(['PKI_PEM_INVALID', path]);
      const reissued = inventory.cas.map(({ id }) => id);
      const steps = [
        ...createReissueSteps({ inventory }, { host: node.host, clock }),
        ...createRenewalSteps({ inventory, reissued }, { host: node.host, clock }),
      ] as readonly AnyStep[];
      for (const step of steps) if ((await step.check(signal)).status !== 'ok') await run(step, node);
      const after = reportCertificates(await inspectCertificates(node.input, node), { now: NOW });
      expect(after.flatMap((row) => row.problems)).toEqual([]);
      const was = node.pki.tree.get(hostPath(path));
      const keeps = file.endsWith('ca.crt') || file.endsWith('.key');
      expect((await textAt(node.host, path)) === (was?.kind === 'file' ? Buffer.from(was.bytes).toString() : '')).toBe(
        keeps,
      );
    },
  );
});
