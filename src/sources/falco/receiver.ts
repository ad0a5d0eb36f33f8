import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Intake } from '../../model/intake.ts';
import { bodyOf } from './answers.ts';
import type { FalcoHttpConfig } from './config.ts';
import { documentsOf, isOneLine } from './documents.ts';
import type { FalcoReader, JudgedReading } from './reader.ts';

export const TEXT_MEND =
  'Set json_output: true in falco.yaml (from Falco 0.44; for older ones use a source of type falco_grpc).';

export interface ReceiverOptions {
  config: FalcoHttpConfig;
  intake: Intake;
  reader: FalcoReader;
  /** Once it has aborted, each answer closes its connection. */
  signal: AbortSignal;
  /** Sees each document before anything else does. */
  tap?: ((document: Buffer) => void) | undefined;
  /** Gets each body that holds an alert to relay. */
  relay?: ((body: Buffer, contentType: string) => void) | undefined;
  /** A body was Falco's text output. */
  onText: () => void;
  /** A body was readable. */
  onGood: () => void;
}

/** One request, whichever way it came. */
export interface Exchange {
  /** The value of Content-Type, if it has one. */
  contentType(): string | undefined;
  /** Called once. `reason` goes into the body. Does nothing where the client is gone. */
  answer(code: number, reason?: string): void;
}

export interface Receiver {
  /** Whether this path is ours, compared without telling by the time it takes how much of it is right. */
  isPath(url: string): boolean;
  /** Takes a whole body that was posted to our path, judges and answers it. Never throws. */
  take(body: Buffer, exchange: Exchange): void;
  /** The connection ended inside a body. */
  broken(): void;
  /** A request as node:http reads it: as `take`, with answers to all that is wrong. */
  request(request: IncomingMessage, response: ServerResponse): void;
}

export function openReceiver(options: ReceiverOptions): Receiver {
  const { config, intake } = options;
  const isPath = pathTest(config.path);
  const take = (body: Buffer, exchange: Exchange) => takeBody(options, body, exchange);
  const broken = () => {
    intake.counts.messages += 1;
    intake.unreadable('not_json', 'the connection ended inside the body');
  };

  const request = (request: IncomingMessage, response: ServerResponse) => {
    if (!isPath(request.url ?? '')) return refuse(request, response, 404, 'not found');
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      return refuse(request, response, 405, 'only POST is taken');
    }
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity')
      return unread(options, request, response, 415, 'not_json', `content-encoding ${encoding} is not taken`);
    if (Number(request.headers['content-length']) > config.max_body_bytes)
      return tooLarge(options, request, response);
    readBody(request, config.max_body_bytes, (body) => {
      if (body === 'too large') return tooLarge(options, request, response);
      if (body === 'broken') return broken();
      take(body, exchangeOf(options, request, response));
    });
  };
  return { isPath, take, broken, request };
}

function exchangeOf(
  { signal }: ReceiverOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Exchange {
  return {
    contentType: () => request.headers['content-type'],
    answer(code, reason) {
      if (signal.aborted && !response.headersSent) response.setHeader('connection', 'close');
      answer(response, code, reason);
    },
  };
}

/** Compares without telling by its time how much of the path was right: the path may be a secret. */
function pathTest(path: string): (url: string) => boolean {
  const wanted = Buffer.from(`${path}\0`);
  const given = Buffer.alloc(wanted.length);
  return (url) => {
    const query = url.indexOf('?');
    const length = query < 0 ? url.length : query;
    given.fill(0);
    // What is longer is cut.
    given.write(query < 0 ? url : url.slice(0, query));
    const isEqual = timingSafeEqual(given, wanted);
    return isEqual && length === path.length;
  };
}

function readBody(
  request: IncomingMessage,
  maxBytes: number,
  onBody: (body: Buffer | 'too large' | 'broken') => void,
): void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let over = false;
  const finish = (body: Buffer | 'too large' | 'broken') => {
    if (over) return;
    over = true;
    chunks = [];
    onBody(body);
  };
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) finish('too large');
    else if (!over) chunks.push(chunk);
  });
  request.on('end', () => finish(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
  request.on('error', () => finish('broken'));
  request.on('close', () => finish('broken'));
}

function tooLarge(options: ReceiverOptions, request: IncomingMessage, response: ServerResponse): void {
  const detail = `the body is above max_body_bytes (${options.config.max_body_bytes})`;
  unread(options, request, response, 413, 'oversized', detail);
}

function unread(
  { intake }: ReceiverOptions,
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  reason: 'oversized' | 'not_json',
  detail: string,
): void {
  intake.counts.messages += 1;
  intake.unreadable(reason, detail);
  refuse(request, response, code, detail);
}

/** Answers without having read the body; the connection is closed, since the rest of it may be long. */
function refuse(request: IncomingMessage, response: ServerResponse, code: number, reason: string): void {
  response.setHeader('connection', 'close');
  answer(response, code, reason);
  request.resume();
}

const EMPTY = { 'content-length': '0' };

function answer(response: ServerResponse, code: number, reason?: string): void {
  if (response.headersSent || response.destroyed) return;
  if (reason === undefined) {
    response.writeHead(code, EMPTY);
    response.end();
    return;
  }
  const body = bodyOf(reason);
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** What a real Falco sends, one alert that is mostly no finding, is answered in the same turn. */
function takeBody(options: ReceiverOptions, body: Buffer, exchange: Exchange): void {
  if (!isOneLine(body)) {
    const readings = documentsOf(body).map((document) => judged(options, document));
    return void finish(options, body, exchange, readings);
  }
  const reading = judged(options, body);
  if (reading.kind === 'unreadable' || reading.accepted !== undefined)
    return void finish(options, body, exchange, [reading]);
  options.onGood();
  if (options.relay !== undefined && isRelayed(reading, options.config)) relay(options, body, exchange);
  exchange.answer(200);
}

function judged({ tap, reader }: ReceiverOptions, document: Buffer): JudgedReading {
  tap?.(document);
  return reader.judge(document);
}

function relay(options: ReceiverOptions, body: Buffer, exchange: Exchange): void {
  options.relay?.(body, exchange.contentType() ?? 'application/json');
}

async function finish(
  options: ReceiverOptions,
  body: Buffer,
  exchange: Exchange,
  readings: readonly JudgedReading[],
): Promise<void> {
  const { config, intake } = options;
  if (readings.some((one) => one.kind !== 'unreadable')) options.onGood();
  if (readings.some((one) => isRelayed(one, config))) relay(options, body, exchange);
  const accepted = readings.flatMap((one) => (one.accepted === undefined ? [] : [one.accepted]));
  if (accepted.length > 0 && !(await within(Promise.all(accepted), config.answer_within_ms)))
    intake.counts.late_answers += 1;
  const bad = readings.find((one) => one.kind === 'unreadable');
  if (bad === undefined) return exchange.answer(200);
  const isText = bad.reason === 'falco_text_output';
  if (isText) options.onText();
  exchange.answer(isText ? 415 : 400, isText ? TEXT_MEND : bad.detail);
}

function isRelayed(reading: JudgedReading, config: FalcoHttpConfig): boolean {
  // The canary is between Lanner and Falco: whoever stood there before never heard of it.
  if (reading.kind === 'unreadable' || reading.kind === 'canary') return false;
  return config.relay_execs || (reading.kind !== 'exec' && reading.kind !== 'failed_exec');
}

/** True if `promise` is fulfilled within `ms`. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
