import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireProgram } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { openOpenSsl, type OpenSsl } from '../openssl.fixture.ts';
import { findCaLimits, findCaRefusal } from './ca-limits.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { Usage } from './extensions.ts';

/** Asks Go's crypto/x509, of the standard library alone, about pairs of CA and leaf. */
const VERIFIER = `package main

import ("crypto/x509";"encoding/json";"encoding/pem";"fmt";"os")

type pair struct { CA, Leaf string; Server bool }

func read(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	return x509.ParseCertificate(block.Bytes)
}

func verify(p pair) string {
	ca, err := read(p.CA)
	if err != nil { return err.Error() }
	leaf, err := read(p.Leaf)
	if err != nil { return err.Error() }
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	usage := x509.ExtKeyUsageClientAuth
	if p.Server { usage = x509.ExtKeyUsageServerAuth }
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil { return err.Error() }
	return ""
}

func main() {
	var pairs []pair
	if err := json.NewDecoder(os.Stdin).Decode(&pairs); err != nil { panic(err) }
	for _, p := range pairs { fmt.Printf("%q\\n", verify(p)) }
}
`;

const BASE = ['basicConstraints=critical,CA:TRUE', 'subjectKeyIdentifier=hash'];
const SIGN = 'keyUsage=critical,keyCertSign';

interface Case {
  readonly title: string;
  readonly ca: readonly string[];
  readonly names: string;
  readonly usage?: Usage;
  readonly key?: string;
  readonly digest?: string;
  /** What both Go and this program must say. */
  readonly isAccepted: boolean;
  /** The minor version of Go 1 that judges so: older ones accept it. Default: any. */
  readonly since?: number;
}

const constraints = (text: string): readonly string[] => [SIGN, `nameConstraints=critical,${text}`];
const CASES: readonly Case[] = [
  { title: 'no limit', ca: [SIGN], names: 'DNS:cp1', isAccepted: true },
  { title: 'no key usage', ca: [], names: 'DNS:cp1', isAccepted: true },
  { title: 'no keyCertSign', ca: ['keyUsage=critical,digitalSignature'], names: 'DNS:cp1', isAccepted: false },
  { title: 'a path length of 0', ca: [SIGN], names: 'DNS:cp1', isAccepted: true },
  {
    title: 'another domain',
    ca: constraints('permitted;DNS:corp.example'),
    names: 'DNS:cp1,DNS:a.corp.example',
    isAccepted: false,
  },
  {
    title: 'the domain and one below it',
    ca: constraints('permitted;DNS:corp.example'),
    names: 'DNS:CORP.example,DNS:a.corp.example',
    isAccepted: true,
  },
  {
    title: 'a domain that only ends alike',
    ca: constraints('permitted;DNS:corp.example'),
    names: 'DNS:xcorp.example',
    isAccepted: false,
  },
  {
    title: 'only names below the domain: the domain',
    ca: constraints('permitted;DNS:.corp.example'),
    names: 'DNS:corp.example',
    isAccepted: false,
  },
  {
    title: 'only names below the domain: one',
    ca: constraints('permitted;DNS:.corp.example'),
    names: 'DNS:a.corp.example',
    isAccepted: true,
  },
  {
    title: 'one of two domains',
    ca: constraints('permitted;DNS:a.example,permitted;DNS:b.example'),
    names: 'DNS:x.b.example',
    isAccepted: true,
  },
  {
    title: 'an excluded domain',
    ca: constraints('excluded;DNS:svc'),
    names: 'DNS:kubernetes.default.svc',
    isAccepted: false,
  },
  { title: 'a domain that is not excluded', ca: constraints('excluded;DNS:svc'), names: 'DNS:cp1', isAccepted: true },
  {
    title: 'permitted and excluded',
    ca: constraints('permitted;DNS:example,excluded;DNS:b.example'),
    names: 'DNS:a.b.example',
    isAccepted: false,
  },
  {
    title: 'a wildcard in an excluded domain',
    since: 26,
    ca: constraints('excluded;DNS:a.example'),
    names: 'DNS:*.example',
    isAccepted: false,
  },
  {
    title: 'a wildcard below a permitted domain',
    ca: constraints('permitted;DNS:example'),
    names: 'DNS:*.example',
    isAccepted: true,
  },
  {
    title: 'an address in the network',
    ca: constraints('permitted;IP:10.0.0.0/255.0.0.0'),
    names: 'IP:10.9.0.11',
    isAccepted: true,
  },
  {
    title: 'an address outside',
    ca: constraints('permitted;IP:10.0.0.0/255.0.0.0'),
    names: 'IP:192.0.2.1',
    isAccepted: false,
  },
  {
    title: 'an address of the other family',
    ca: constraints('permitted;IP:10.0.0.0/255.0.0.0'),
    names: 'IP:::1',
    isAccepted: false,
  },
  {
    title: 'an excluded network',
    ca: constraints('excluded;IP:fd00::/ffff::'),
    names: 'IP:fd00::1',
    isAccepted: false,
  },
  {
    title: 'an IPv4 address in the form of IPv6, where each IPv6 address is permitted',
    since: 26,
    ca: constraints('permitted;IP:::/::'),
    names: 'IP:::ffff:10.0.0.1',
    isAccepted: false,
  },
  {
    title: 'an address of a range with bits behind its mask',
    ca: constraints('permitted;IP:10.1.2.3/255.0.0.0'),
    names: 'IP:10.0.0.1',
    isAccepted: true,
  },
  {
    title: 'an address of the second range, whose bits behind its mask are above the address',
    since: 26,
    ca: constraints('permitted;IP:9.0.0.0/255.0.0.0,permitted;IP:10.1.2.3/255.0.0.0'),
    names: 'IP:10.0.0.1',
    isAccepted: false,
  },
  {
    title: 'an address of one of two ranges',
    ca: constraints(
      'permitted;IP:10.0.0.0/255.0.0.0,permitted;IP:10.5.0.0/255.255.0.0,permitted;IP:192.0.2.0/255.255.255.0',
    ),
    names: 'IP:10.9.0.11,IP:192.0.2.7',
    isAccepted: true,
  },
  {
    title: 'a URI without a host, although only names are limited',
    since: 26,
    ca: constraints('permitted;DNS:example'),
    names: 'URI:urn:a',
    isAccepted: false,
  },
  {
    title: 'names, although only addresses are limited',
    ca: constraints('permitted;IP:10.0.0.0/255.0.0.0'),
    names: 'DNS:cp1',
    isAccepted: true,
  },
  {
    title: 'a mailbox',
    ca: constraints('permitted;email:a@example.com'),
    names: 'email:b@example.com',
    isAccepted: false,
  },
  {
    title: 'a mailbox of the domain',
    ca: constraints('permitted;email:example.com'),
    names: 'email:b@example.com',
    isAccepted: true,
  },
  {
    title: 'the host of a URI',
    ca: constraints('permitted;URI:example.com'),
    names: 'URI:https://other.org/x',
    isAccepted: false,
  },
  {
    title: 'the permitted host of a URI',
    ca: constraints('permitted;URI:example.com'),
    names: 'URI:https://example.com:8443/x',
    isAccepted: true,
  },
  {
    title: 'a CA for clients, as a server',
    ca: [SIGN, 'extendedKeyUsage=clientAuth'],
    names: 'DNS:cp1',
    isAccepted: false,
  },
  {
    title: 'a CA for clients, as a client',
    ca: [SIGN, 'extendedKeyUsage=clientAuth'],
    names: 'DNS:cp1',
    usage: 'client',
    isAccepted: true,
  },
  {
    title: 'a CA for every use',
    ca: [SIGN, 'extendedKeyUsage=anyExtendedKeyUsage'],
    names: 'DNS:cp1',
    isAccepted: true,
  },
  {
    title: 'an unknown critical extension',
    ca: [SIGN, '1.2.3.4=critical,ASN1:UTF8:x'],
    names: 'DNS:cp1',
    isAccepted: false,
  },
  { title: 'an unknown extension', ca: [SIGN, '1.2.3.4=ASN1:UTF8:x'], names: 'DNS:cp1', isAccepted: true },
  { title: 'a self-signed CA with SHA-1', ca: [SIGN], names: 'DNS:cp1', digest: '-sha1', isAccepted: true },
  {
    title: 'an RSA key of 1024 bits',
    ca: [SIGN],
    names: 'DNS:cp1',
    key: '-algorithm RSA -pkeyopt rsa_keygen_bits:1024',
    isAccepted: true,
  },
  {
    title: 'an RSA key of 768 bits',
    since: 26,
    ca: [SIGN],
    names: 'DNS:cp1',
    key: '-algorithm RSA -pkeyopt rsa_keygen_bits:768',
    isAccepted: false,
  },
  {
    title: 'an RSA-PSS key',
    ca: [SIGN],
    names: 'DNS:cp1',
    key: '-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048',
    isAccepted: false,
  },
  {
    title: 'a curve that Go does not know',
    ca: [SIGN],
    names: 'DNS:cp1',
    key: '-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1',
    isAccepted: false,
  },
];

interface Issued {
  readonly ca: string;
  readonly leaf: string;
}

function issue(
  openssl: OpenSsl,
  { ca, names, key = '-algorithm EC -pkeyopt ec_paramgen_curve:P-256', digest = '-sha256' }: Case,
): Issued {
  openssl.write('ca.cnf', `[req]\ndistinguished_name=dn\n[dn]\n[e]\n${[...BASE, ...ca].join('\n')}\n`);
  openssl.write(
    'leaf.cnf',
    `[e]\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\nauthorityKeyIdentifier=keyid\nsubjectAltName=${names}\n`,
  );
  openssl.run(`genpkey ${key} -out ca.key`);
  openssl.run(
    `req -x509 -new -key ca.key ${digest} -days 100 -subj /CN=kubernetes -config ca.cnf -extensions e -out ca.crt`,
  );
  openssl.run('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out leaf.key');
  openssl.run('req -new -key leaf.key -subj /CN=leaf -out leaf.csr');
  openssl.run(
    'x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -sha256 -days 50 -set_serial 7 -extfile leaf.cnf -extensions e -out leaf.crt',
  );
  return { ca: openssl.read('ca.crt'), leaf: openssl.read('leaf.crt') };
}

const certificateOf = (pem: string): Certificate => parseCertificate(new X509Certificate(pem).raw, 'x');

/** Whether this program would let the CA sign the leaf. */
function isAcceptedHere({ ca, leaf }: Issued, usage: Usage): boolean {
  const authority = certificateOf(ca);
  const wanted = { certificate: certificateOf(leaf), extraNames: [], usages: [usage] };
  return !findCaLimits(authority).some(({ isRefused }) => isRefused) && findCaRefusal(authority, wanted) === undefined;
}

function askGo(pairs: readonly object[]): readonly string[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'kube-rescue-go-'));
  try {
    writeFileSync(path.join(directory, 'main.go'), VERIFIER);
    const output = execFileSync('go', ['run', 'main.go'], {
      cwd: directory,
      input: JSON.stringify(pairs),
      // Without a module, Go keeps the settings of old releases.
      env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GODEBUG: 'rsa1024min=1', GOTOOLCHAIN: 'local' },
    });
    return output
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as string);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The minor version of Go 1. */
function readGoVersion(): number {
  return Number(/go1\.(\d+)/.exec(execFileSync('go', ['version']).toString())?.[1]);
}

describe('a certificate of a CA with limits', () => {
  it.each(CASES)('is judged: $title', (each) => {
    using openssl = openOpenSsl();
    expect(isAcceptedHere(issue(openssl, each), each.usage ?? 'server')).toBe(each.isAccepted);
  });

  it.skipIf(!requireProgram('go'))('is judged as by Go', { timeout: 300_000 }, () => {
    using openssl = openOpenSsl();
    const version = readGoVersion();
    const known = CASES.filter(({ since = 0 }) => since <= version);
    expect(known.length).toBeGreaterThan(30);
    const pairs = known.map((each) => ({ ...issue(openssl, each), server: each.usage !== 'client' }));
    const verdicts = askGo(pairs.map(({ ca, leaf, server }) => ({ CA: ca, Leaf: leaf, Server: server })));
    expect(known.map(({ title }, at) => [title, verdicts[at] === ''])).toEqual(
      known.map(({ title, isAccepted }) => [title, isAccepted]),
    );
  });
});

it('a weak key and a weak signature are named although verifiers still accept them', () => {
  using openssl = openOpenSsl();
  const weak = { title: '', ca: [SIGN], names: 'DNS:cp1', isAccepted: true };
  const limitsOf = (each: Case) => findCaLimits(certificateOf(issue(openssl, each).ca));
  expect(limitsOf({ ...weak, digest: '-sha1' })).toEqual([
    { isRefused: false, message: 'is signed with MD5 or SHA-1' },
  ]);
  expect(limitsOf({ ...weak, key: '-algorithm RSA -pkeyopt rsa_keygen_bits:1024' })).toEqual([
    { isRefused: false, message: 'has an RSA key of 1024 bits, which OpenSSL refuses at its usual security level' },
  ]);
  expect(limitsOf(weak)).toEqual([]);
});
