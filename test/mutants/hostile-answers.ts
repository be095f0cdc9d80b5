import type { Mutant } from './mutant.ts';

const API = { directory: 'packages/cluster-objects', tests: ['api/hostile-api-server.test.ts'] };
const ETCD = { directory: 'packages/etcd-access', tests: ['transport/hostile-member.test.ts'] };
const AWS = { directory: 'packages/ingress-dns', tests: ['aws/hostile-aws.test.ts'] };
const PEERS = { directory: 'packages/host', tests: ['local/hostile-peers.test.ts'] };
const GATES = { directory: 'packages/recovery', tests: ['rotation/acceptance-gates.test.ts'] };
const SOCKETS = { directory: 'packages/static-manifests', tests: ['running/listening-socket.test.ts'] };

/** Answers without a bound, and gates that believe the wrong server. */
export const HOSTILE_ANSWER_MUTANTS: readonly Mutant[] = [
  {
    ...API,
    name: 'an answer of the API server has no bound',
    file: 'api/api-requests.ts',
    from: 'if (length > this.#bodyBytes) {',
    to: 'if (length < 0) {',
  },
  {
    ...API,
    name: 'a compressed answer is accepted',
    file: 'api/api-requests.ts',
    from: "if (encoding !== 'identity') throw",
    to: "if (encoding === 'x') throw",
  },
  {
    ...API,
    name: 'a list in a circle is followed',
    file: 'api/answer-bounds.ts',
    from: '    if (this.#tokens.has(token)) return true;\n',
    to: '',
  },
  {
    ...API,
    name: 'pages are not counted',
    file: 'api/answer-bounds.ts',
    from: '    this.#pages += 1;\n',
    to: '',
  },
  {
    ...ETCD,
    name: 'a dripping stream is followed',
    file: 'transport/grpc-call.ts',
    from: 'throw dripping(call, bytes);',
    to: 'waitedMs = 0;',
  },
  {
    ...ETCD,
    name: 'pages without keys are followed',
    file: 'client/key-listing.ts',
    from: 'if (more && last === undefined) throw',
    to: 'if (more && keys < 0) throw',
  },
  {
    ...ETCD,
    name: 'a snapshot fills the disk',
    file: 'client/snapshot.ts',
    from: 'if (Math.trunc(before / CHECK_EVERY_BYTES) < Math.trunc(bytes / CHECK_EVERY_BYTES)) {',
    to: 'if (before > bytes) {',
  },
  {
    ...AWS,
    name: 'an answer of AWS has no bound',
    file: 'aws/client-options.ts',
    from: 'if (response.body instanceof Readable) response.body = boundedBody(response.body);',
    to: '',
  },
  {
    ...AWS,
    name: 'the record sets of a zone have no end',
    file: 'aws/answer-bounds.ts',
    from: 'if (this.#seen.has(token)) throw',
    to: "if (token === '') throw",
  },
  {
    ...PEERS,
    name: 'an answer to a probe has no bound',
    file: 'local/local-request.ts',
    from: 'if (total > MAX_BODY_BYTES) throw tooLarge(url);',
    to: '',
  },
  {
    ...PEERS,
    name: 'a name of a DNS answer has no bound',
    file: 'dns/dns-message.ts',
    from: 'if (nameBytes >= MAX_NAME_BYTES) throw',
    to: 'if (nameBytes < 0) throw',
  },
  {
    ...GATES,
    name: 'whatever answers 403 counts as the kubelet',
    file: 'rotation/acceptance-gates.ts',
    from: "    if (peer?.trusted === true) return { status, proof: 'with a certificate of the CA on disk' };",
    to: "    if (peer !== undefined) return { status, proof: 'with a certificate of the CA on disk' };",
  },
  {
    ...GATES,
    name: 'a server that accepts every client passes',
    file: 'rotation/acceptance-gates.ts',
    from: 'if (refused.status !== 401)',
    to: 'if (refused.status === 0)',
  },
  {
    ...SOCKETS,
    name: 'the socket of another process counts as owned',
    file: 'running/listening-socket.ts',
    from: "found.every(({ link }) => held.has(link)) ? 'owned' : 'foreign'",
    to: "found.length > 0 ? 'owned' : 'foreign'",
  },
];
