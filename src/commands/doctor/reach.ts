import { createConnection, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';

/** A client certificate that is refused is refused behind the handshake (TLS 1.3): so long it is waited for that. */
const refusalMs = 150;

/** What a handshake showed. */
export interface Handshake {
  protocol: string;
  /** The server's certificate: its end and begin, epoch milliseconds. */
  ends_ms: number;
  begins_ms: number;
}

/** Fulfilled when something accepts the connection, which is closed at once. Sends nothing. */
export function reachTcp(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    guard(socket, timeoutMs, reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

/** The same with a TLS handshake, by the options of whoever will send later. No byte of a request is sent. */
export function reachTls(
  host: string,
  port: number,
  options: ConnectionOptions,
  timeoutMs: number,
): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const servername = options.servername ?? (isIP(host) ? '' : host);
    const socket = tlsConnect({ host, port, ...options, servername, ALPNProtocols: ['h2', 'http/1.1'] });
    guard(socket, timeoutMs, reject);
    socket.once('secureConnect', () => {
      const { valid_to, valid_from } = socket.getPeerCertificate();
      const shown = {
        protocol: socket.getProtocol() ?? 'TLS',
        ends_ms: Date.parse(valid_to),
        begins_ms: Date.parse(valid_from),
      };
      const timer = setTimeout(() => {
        socket.destroy();
        resolve(shown);
      }, refusalMs);
      socket.once('close', () => clearTimeout(timer));
    });
  });
}

function guard(socket: Socket, timeoutMs: number, reject: (reason: Error) => void): void {
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
  socket.once('error', reject);
}
