import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { LannerError } from '../lib/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { grpcStatus, grpcStatusName } from './grpc-status.ts';
import type { TlsMaterial } from './tls.ts';

/** What @grpc/grpc-js says of a call that ended: code and details. */
export interface GrpcStatus {
  code?: number | undefined;
  details?: string | undefined;
  /** The carrier could not make sense of what came. */
  odd?: boolean;
}

/** Whom we meant to speak to, for messages and mends. */
export interface Peer {
  /** `Falco`, `Tetragon`. */
  sensor: string;
  endpoint: Endpoint;
  /** Absent: plaintext. */
  tls?: TlsMaterial & { server_name?: string | undefined };
  /** Sentence added to the mend where nothing listens: what else may be the reason with this sensor. */
  absent_hint?: string;
}

interface Kind {
  code: string;
  says: string;
  mend: string;
}

/**
 * The coded error for a call that failed, from the status alone. A status that tells nothing more becomes
 * `stream_ended`: reconnecting is the answer, and the details are in the message.
 */
export function classifyGrpcError(failure: GrpcStatus, peer: Peer): LannerError {
  const details = failure.details ?? '';
  const kind = byCode(failure.code, details, peer) ?? byDetails(details, peer) ?? ended(failure, peer);
  const where = peer.endpoint.address;
  const hint = isAbsent(kind.code) && peer.absent_hint !== undefined ? ` ${peer.absent_hint}` : '';
  return new LannerError(kind.code, `${peer.sensor} at ${where}: ${kind.says}`, kind.mend + hint);
}

/**
 * As `classifyGrpcError`, and where the status is ambiguous (grpc-js says only "Failed to connect" for a
 * plaintext client on a TLS port and for a rejected client certificate) one short probe of the port tells
 * which. Never rejects; takes at most `timeout_ms`.
 */
export async function diagnoseGrpcError(
  failure: GrpcStatus,
  peer: Peer,
  timeout_ms = 2_000,
): Promise<LannerError> {
  const known = classifyGrpcError(failure, peer);
  if (peer.endpoint.kind !== 'tcp') return known;
  if (known.code !== 'wrong_protocol' && known.code !== 'tls_client_rejected') return known;
  const answer = await probeTls(peer, timeout_ms);
  if (peer.tls === undefined) return answer.handshake ? asError(plainToTls(), peer) : known;
  if (answer.alert !== undefined) return classifyGrpcError({ code: 14, details: answer.alert }, peer);
  if (!answer.handshake) return known;
  return asError(answer.hung_up && answer.h2 ? clientRejected(peer) : notGrpc(), peer);
}

function asError(kind: Kind, peer: Peer): LannerError {
  return new LannerError(kind.code, `${peer.sensor} at ${peer.endpoint.address}: ${kind.says}`, kind.mend);
}

function byCode(code: number | undefined, details: string, peer: Peer): Kind | undefined {
  if (code === grpcStatus.UNIMPLEMENTED) return wrongService(peer);
  if (code === grpcStatus.INVALID_ARGUMENT)
    return {
      code: 'filter_rejected',
      says: `it rejected our request: ${details}`,
      mend: 'Remove the filter that the message names, or update the sensor.',
    };
  if (code === grpcStatus.UNAUTHENTICATED || code === grpcStatus.PERMISSION_DENIED)
    return {
      code: 'tls_client_rejected',
      says: `it did not let us in: ${details}`,
      mend: 'Configure a client certificate that the sensor accepts (tls.cert_file, tls.key_file).',
    };
  if (code === grpcStatus.DEADLINE_EXCEEDED)
    return {
      code: 'connect_timeout',
      says: 'no answer within the deadline',
      mend: 'Check the address, network policies and firewalls, and that the sensor is not overloaded.',
    };
  return undefined;
}

function byDetails(details: string, peer: Peer): Kind | undefined {
  for (const [pattern, kind] of patterns) if (pattern.test(details)) return kind(peer, details);
  return undefined;
}

/** First match wins. The texts are those of Node 20 to 24 and @grpc/grpc-js 1.14; each has its test. */
const patterns: [RegExp, (peer: Peer, details: string) => Kind][] = [
  [/ENOENT/, socketMissing],
  [/EACCES|EPERM/, socketPermission],
  [/ECONNREFUSED/, refused],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/, unreachable],
  [/Name resolution failed|ENOTFOUND|EAI_AGAIN/, nameUnknown],
  [/ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate/, tlsName],
  [
    /alert (certificate|bad certificate|unknown ca|handshake failure|certificate (expired|revoked|unknown|required))|alert number (40|42|43|44|45|46|48|116)/i,
    clientRejected,
  ],
  [
    /wrong version number|packet length too long|unsupported protocol|ssl3_get_record|ERR_SSL_PROTOCOL/i,
    tlsToPlain,
  ],
  [/certificate|self.signed|unable to (get|verify)/i, untrusted],
  [
    /no application protocol|Protocol error|HTTP\/1|http2|parse error|RST_STREAM with code (1|2|13)\b|ERR_HTTP2/i,
    () => notGrpc(),
  ],
  [/No connection established.*Failed to connect/, failedToConnect],
];

function socketMissing(peer: Peer): Kind {
  return {
    code: 'socket_missing',
    says: 'the unix socket does not exist',
    mend: `Check that ${peer.sensor} runs, that its gRPC server is on, and that the directory of the socket is mounted into Lanner's container.`,
  };
}

function socketPermission(peer: Peer): Kind {
  return {
    code: 'socket_permission',
    says: 'this user may not open the unix socket',
    mend: `Run Lanner as the user or group that owns the socket (root, as ${peer.sensor} sets it up).`,
  };
}

function refused(peer: Peer): Kind {
  const left =
    peer.endpoint.kind === 'unix'
      ? 'the socket is there, and nothing listens at it'
      : 'nothing listens there';
  return {
    code: 'connect_refused',
    says: left,
    mend: `Check that ${peer.sensor} runs and listens at this address${peer.endpoint.kind === 'tcp' ? ' (a loopback address is reachable only from the same host or with hostNetwork)' : ''}.`,
  };
}

function unreachable(_peer: Peer, details: string): Kind {
  return {
    code: 'connect_timeout',
    says: `no way to the host (${/E[A-Z]+/.exec(details)?.[0] ?? 'timeout'})`,
    mend: 'Check the address, network policies and firewalls.',
  };
}

function nameUnknown(): Kind {
  return {
    code: 'name_unknown',
    says: 'the host name cannot be resolved',
    mend: 'Check the name, and the DNS this process uses.',
  };
}

function tlsName(peer: Peer, details: string): Kind {
  const reason = /altnames?: (.*?)(?:\. Resolution note|$)/s.exec(details)?.[1];
  return {
    code: 'tls_name',
    says: `the certificate is for another name${reason === undefined ? '' : `: ${reason}`}`,
    mend: `Set tls.server_name to a name in ${peer.sensor}'s certificate.`,
  };
}

function clientRejected(peer: Peer): Kind {
  const given = peer.tls?.cert !== undefined;
  return {
    code: 'tls_client_rejected',
    says: given ? 'it did not accept our client certificate' : 'it asks for a client certificate',
    mend: given
      ? 'Give a client certificate that is valid now and signed by the CA the sensor trusts.'
      : 'Set tls.cert_file and tls.key_file.',
  };
}

function tlsToPlain(): Kind {
  return {
    code: 'tls_mismatch',
    says: 'it does not speak TLS, and the configuration asks for TLS',
    mend: 'Remove `tls` from this source, or switch TLS on at the sensor.',
  };
}

function plainToTls(): Kind {
  return {
    code: 'tls_mismatch',
    says: 'it speaks TLS, and the configuration does not ask for it',
    mend: 'Add `tls` to this source (ca_file; for Falco cert_file and key_file as well).',
  };
}

function untrusted(peer: Peer, details: string): Kind {
  const reason =
    /Last error: (?:Error: )?(.*?)(?: \(\d{4}-|\. Resolution note|$)/s.exec(details)?.[1] ?? details;
  return {
    code: 'tls_untrusted',
    says: `its certificate is not trusted: ${reason}`,
    mend:
      peer.tls?.ca === undefined
        ? "Set tls.ca_file to the CA that signed the sensor's certificate."
        : 'Give the CA that signed this certificate in tls.ca_file, and check that it has not expired.',
  };
}

function notGrpc(): Kind {
  return {
    code: 'wrong_protocol',
    says: 'what answers there does not speak gRPC',
    mend: 'Check the port: metrics and health ports speak HTTP/1.1.',
  };
}

function wrongService(peer: Peer): Kind {
  return {
    code: 'wrong_service',
    says: `another gRPC service answers there, not ${peer.sensor}`,
    mend: `Check the address: this one belongs to another program (a ${peer.sensor === 'Falco' ? 'Tetragon' : 'Falco'} socket?).`,
  };
}

function failedToConnect(peer: Peer): Kind {
  return peer.tls === undefined ? notGrpc() : clientRejected(peer);
}

function ended(failure: GrpcStatus, peer: Peer): Kind {
  const name = failure.code === undefined ? 'no status' : grpcStatusName(failure.code);
  return {
    code: 'stream_ended',
    says:
      failure.code === grpcStatus.OK
        ? 'it ended the stream'
        : `the stream broke: ${name} ${failure.details ?? ''}`.trim(),
    mend: `Lanner reconnects by itself; look into ${peer.sensor}'s log if it repeats.`,
  };
}

function isAbsent(code: string): boolean {
  return code === 'socket_missing' || code === 'connect_refused';
}

interface TlsAnswer {
  handshake: boolean;
  /** The server chose HTTP/2. */
  h2: boolean;
  /** It closed right after the handshake: some servers reject a client certificate without an alert. */
  hung_up: boolean;
  /** What it complained of. */
  alert?: string;
}

/** Does the port answer a TLS handshake, and does it complain about us afterwards? */
function probeTls(peer: Peer, timeout_ms: number): Promise<TlsAnswer> {
  return new Promise((resolve) => {
    const { host, port } = peer.endpoint;
    const answer: TlsAnswer = { handshake: false, h2: false, hung_up: false };
    const socket = connectTcp({ host: host ?? 'localhost', port: port ?? 0 });
    let secure: TLSSocket | undefined;
    const done = () => {
      clearTimeout(timer);
      secure?.destroy();
      socket.destroy();
      resolve(answer);
    };
    let timer = setTimeout(done, timeout_ms);
    socket.on('error', done);
    socket.on('connect', () => {
      const { ca, cert, key } = peer.tls ?? {};
      const own = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
      secure = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...own });
      secure.on('secureConnect', () => {
        answer.handshake = true;
        answer.h2 = secure?.alpnProtocol === 'h2';
        secure?.resume();
        // A TLS 1.3 server judges our certificate after the handshake: its verdict comes with the first read.
        clearTimeout(timer);
        timer = setTimeout(done, Math.min(300, timeout_ms));
      });
      secure.on('error', (error) => {
        answer.alert = error.message;
        done();
      });
      secure.on('close', () => {
        answer.hung_up = answer.handshake;
        done();
      });
    });
  });
}
