import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/model/errors.ts';
import type { Endpoint } from '../../src/sources/endpoint.ts';
import { parseEndpoint } from '../../src/sources/endpoint.ts';
import { classifyGrpcError, diagnoseGrpcError, type Peer } from '../../src/sources/grpc-errors.ts';
import { createAuthority } from '../support/certificates.ts';
import { callOnce, type RawServer, serveRaw } from '../support/raw-grpc.ts';

const method = '/falco.outputs.service/get';
const ours = createAuthority();
const foreign = createAuthority('somebody else');
const serverCertificate = ours.server(['localhost', '127.0.0.1']);
const otherName = ours.server(['falco.example']);
const expired = ours.server(['localhost', '127.0.0.1'], { notAfter: new Date(Date.now() - 86_400_000) });
const client = ours.client('lanner');
const stranger = foreign.client('stranger');
const directory = mkdtempSync(join(tmpdir(), 'lanner-errors-'));

const servers: RawServer[] = [];
const closers: (() => void)[] = [];
let plain: RawServer;
let mutual: RawServer;
let named: RawServer;
let stale: RawServer;

beforeAll(async () => {
  const end = { stream: { [method]: (call: { end(): void }) => call.end() } };
  const secure = (pair: { cert: string; key: string }, demand: boolean) =>
    ServerCredentials.createSsl(
      demand ? Buffer.from(ours.cert) : null,
      [{ cert_chain: Buffer.from(pair.cert), private_key: Buffer.from(pair.key) }],
      demand,
    );
  plain = await serveRaw(end);
  mutual = await serveRaw(end, { credentials: secure(serverCertificate, true) });
  named = await serveRaw(end, { credentials: secure(otherName, false) });
  stale = await serveRaw(end, { credentials: secure(expired, false) });
  servers.push(plain, mutual, named, stale);
});

afterAll(() => {
  for (const server of servers) server.kill();
  for (const close of closers) close();
  rmSync(directory, { recursive: true, force: true });
});

function endpoint(address: string): Endpoint {
  const parsed = parseEndpoint(address);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

async function diagnose(address: string, tls?: { ca?: string; cert?: string; key?: string }, path = method) {
  const at = endpoint(address);
  const bytes = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const channel =
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.cert));
  const ended = await callOnce(at.target, path, { credentials: channel, deadline_ms: 1_500 });
  const peer: Peer = { sensor: 'Falco', endpoint: at };
  if (tls !== undefined) {
    const { ca, cert, key } = tls;
    peer.tls = {
      ...(ca && { ca: Buffer.from(ca) }),
      ...(cert && { cert: Buffer.from(cert) }),
      ...(key && { key: Buffer.from(key) }),
    };
  }
  return diagnoseGrpcError(ended, peer);
}

async function listening(server: Server, path?: string): Promise<string> {
  closers.push(() => server.close());
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve),
  );
  return path === undefined ? `127.0.0.1:${(server.address() as AddressInfo).port}` : `unix://${path}`;
}

describe('error of a gRPC call', () => {
  it('says that a unix socket is missing', async () => {
    const error = await diagnose(`unix://${directory}/none.sock`);
    expect(error).toMatchObject({ code: 'socket_missing' });
    expect(error.message).toContain('none.sock');
  });

  it('says that nothing listens at a socket file that was left behind', async () => {
    const server = createServer();
    await listening(server, join(directory, 'live.sock'));
    renameSync(join(directory, 'live.sock'), join(directory, 'left.sock'));
    await new Promise((resolve) => server.close(resolve));
    expect(await diagnose(`unix://${directory}/left.sock`)).toMatchObject({ code: 'connect_refused' });
  });

  it('says that nothing listens at a port', async () => {
    const server = createServer();
    const address = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await diagnose(address)).toMatchObject({ code: 'connect_refused' });
  });

  it('says that a name is unknown', async () => {
    expect(await diagnose('nowhere.invalid:1')).toMatchObject({ code: 'name_unknown' });
  });

  it('says that a port stays silent', async () => {
    const address = await listening(createServer((socket) => closers.push(() => socket.destroy())));
    expect(await diagnose(address)).toMatchObject({ code: 'connect_timeout' });
  });

  it.each([
    ['an HTTP/1.1 server', () => createHttp((_request, response) => response.end('hello'))],
    [
      'a server that writes garbage',
      () => createServer((socket) => void socket.end('220 mail.example ESMTP\r\n'.repeat(9))),
    ],
    ['a server that hangs up', () => createServer((socket) => void socket.destroy())],
  ])('says that %s is no gRPC server', async (_name, open) => {
    expect(await diagnose(await listening(open()))).toMatchObject({ code: 'wrong_protocol' });
  });

  it('says that an HTTPS server is no gRPC server', async () => {
    const address = await listening(
      createHttps(serverCertificate, (_request, response) => void response.end()),
    );
    expect(await diagnose(address, { ca: ours.cert })).toMatchObject({ code: 'wrong_protocol' });
  });

  it('says that another gRPC service answers', async () => {
    expect(await diagnose(plain.address, undefined, '/another.Service/Method')).toMatchObject({
      code: 'wrong_service',
    });
  });

  it('says that TLS is asked of a plaintext port', async () => {
    const error = await diagnose(plain.address, { ca: ours.cert });
    expect(error).toMatchObject({ code: 'tls_mismatch' });
    expect(error.mend).toContain('Remove `tls`');
  });

  it('says that plaintext is spoken to a TLS port', async () => {
    const error = await diagnose(mutual.address);
    expect(error).toMatchObject({ code: 'tls_mismatch' });
    expect(error.mend).toContain('Add `tls`');
  });

  it.each([
    ['another CA', { ca: foreign.cert, cert: client.cert, key: client.key }],
    ["the system's CAs only", {}],
  ])('says that the certificate is not trusted with %s', async (_name, tls) => {
    expect(await diagnose(mutual.address, tls)).toMatchObject({ code: 'tls_untrusted' });
  });

  it('says that the certificate has expired', async () => {
    const error = await diagnose(stale.address, { ca: ours.cert });
    expect(error).toMatchObject({ code: 'tls_untrusted' });
    expect(error.message).toContain('expired');
  });

  it('says that the certificate is for another name', async () => {
    const error = await diagnose(`localhost:${named.address.split(':')[1]}`, { ca: ours.cert });
    expect(error).toMatchObject({ code: 'tls_name' });
    expect(error.message).toContain('falco.example');
  });

  it.each([
    ['asks for a client certificate', { ca: ours.cert }, 'asks for a client certificate'],
    [
      'rejects a client certificate of a foreign CA',
      { ca: ours.cert, cert: stranger.cert, key: stranger.key },
      'did not accept',
    ],
  ])('says that the server %s', async (_name, tls, words) => {
    const error = await diagnose(mutual.address, tls);
    expect(error).toMatchObject({ code: 'tls_client_rejected' });
    expect(error.message).toContain(words);
  });

  it.each([
    [
      {
        code: 14,
        details: 'No connection established. Last error: Error: connect EACCES /run/falco/falco.sock',
      },
      'socket_permission',
    ],
    [
      { code: 14, details: 'No connection established. Last error: Error: connect EHOSTUNREACH 10.0.0.1:1' },
      'connect_timeout',
    ],
    [{ code: 3, details: 'unknown filter' }, 'filter_rejected'],
    [{ code: 7, details: 'denied' }, 'tls_client_rejected'],
    [{ code: 14, details: 'Connection dropped' }, 'stream_ended'],
    [{ code: 0, details: '' }, 'stream_ended'],
    [{}, 'stream_ended'],
  ])('reads %j as %s', (status, code) => {
    expect(
      classifyGrpcError(status, { sensor: 'Falco', endpoint: endpoint('/run/falco/falco.sock') }).code,
    ).toBe(code);
  });

  it('adds what the sensor says of an absent socket to the mend', () => {
    const peer = { sensor: 'Falco', endpoint: endpoint('/run/x.sock'), absent_hint: 'Falco 0.44 has none.' };
    expect(classifyGrpcError({ code: 14, details: 'connect ENOENT /run/x.sock' }, peer).mend).toContain(
      '0.44',
    );
  });

  it('uses documented codes only', async () => {
    const codes = new Set(Object.keys(errorCodes));
    for (const code of [3, 4, 7, 12, 14, 16])
      expect(codes).toContain(
        classifyGrpcError({ code, details: '' }, { sensor: 'Falco', endpoint: endpoint('/a') }).code,
      );
  });
});
