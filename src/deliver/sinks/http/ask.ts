import type { Dispatcher } from 'undici';
import type { Deadlines } from '../../../lib/deadlines.ts';

/** What is read of an answer at most; the rest is thrown away with its connection. */
const answerBytes = 16_384;
/** The status is the answer: a receiver that dawdles over the body after it is not waited for longer. */
export const answerMs = 1_000;

/** `body` is the first bytes of it, as text. */
export interface Answer {
  status: number;
  /** Name and value by turns, as they came. */
  headers: readonly Buffer[];
  body: string;
}

/** Hears once how a request ended: what was answered, or the error of the connection or of the cut. */
export type Heard = (answer: Answer | undefined, error: Error | undefined) => void;

/**
 * One request over undici's `dispatch`, without the streams and signals of its `request`, which cost more than the
 * request itself, and without the headers as an object, which nearly nobody reads. What breaks after the status does
 * not change what the status said.
 */
export class Asking implements Dispatcher.DispatchHandler {
  /** Why it was cut, if it was. */
  cutBy: 'aborted' | 'timeout' | undefined;
  readonly #heard: Heard;
  readonly #slow: Deadlines<Asking>;
  #abort: ((error?: Error) => void) | undefined;
  #answer: Answer | undefined;
  #chunks: Buffer[] | undefined;
  #length = 0;
  #ended = false;

  /** `slow` ends those whose answer takes long after its status. */
  constructor(slow: Deadlines<Asking>, heard: Heard) {
    this.#slow = slow;
    this.#heard = heard;
  }

  /** Ends it early, whether it was dispatched or not. */
  cut(by: 'aborted' | 'timeout'): void {
    this.cutBy ??= by;
    this.end('cut off');
  }

  onConnect(abort: (error?: Error) => void): void {
    // It was cut while it waited for a connection: nothing is sent.
    if (this.#ended) abort(new Error('cut off'));
    else this.#abort = abort;
  }

  onHeaders(status: number, headers: Buffer[]): boolean {
    if (status < 200 || this.#ended) return true;
    this.#answer = { status, headers, body: '' };
    // With 204 it ends at once.
    if (status !== 204) this.#slow.start(this);
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#ended) return true;
    this.#chunks ??= [];
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length >= answerBytes) this.end('a long answer');
    return true;
  }

  onComplete(): void {
    this.#abort = undefined;
    this.end('no answer');
  }

  onError(error: Error): void {
    this.#abort = undefined;
    this.end(error);
  }

  /** What is known by now is the answer, or else the error is; whatever is still under way ends with its connection. */
  end(why: Error | string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#answer) {
      if (this.#answer.status !== 204) this.#slow.end(this);
      this.#answer.body = this.#body();
      this.#heard(this.#answer, undefined);
    } else this.#heard(undefined, errorOf(why));
    this.#abort?.(errorOf(why));
  }

  #body(): string {
    if (!this.#chunks) return '';
    return Buffer.concat(this.#chunks, this.#length).subarray(0, answerBytes).toString('utf8');
  }
}

/**
 * Ends requests when signals abort, with one listener for each signal: a lane hands in the same few again and again.
 * Holds on to signals that do not abort until it is closed.
 */
export class Aborts {
  readonly #open = new Map<AbortSignal, { asked: Set<Asking>; listener: () => void }>();

  start(signal: AbortSignal, asking: Asking): void {
    if (signal.aborted) asking.cut('aborted');
    else (this.#open.get(signal) ?? this.#listen(signal)).asked.add(asking);
  }

  end(signal: AbortSignal, asking: Asking): void {
    this.#open.get(signal)?.asked.delete(asking);
  }

  close(): void {
    for (const [signal, { asked, listener }] of this.#open)
      if (asked.size === 0) signal.removeEventListener('abort', listener);
  }

  #listen(signal: AbortSignal): { asked: Set<Asking>; listener: () => void } {
    const asked = new Set<Asking>();
    const listener = () => {
      this.#open.delete(signal);
      for (const asking of asked) asking.cut('aborted');
    };
    const open = { asked, listener };
    this.#open.set(signal, open);
    signal.addEventListener('abort', listener, { once: true });
    return open;
  }
}

/** Made only where it is needed: its stack costs as much as sending. */
function errorOf(why: Error | string): Error {
  return typeof why === 'string' ? new Error(why) : why;
}

/** Names in lower case; what came several times is joined. */
export function headersOfAnswer({ headers }: Answer): Record<string, string> {
  const read: Record<string, string> = {};
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!.toString('latin1').toLowerCase();
    const value = headers[at + 1]!.toString('latin1');
    read[name] = Object.hasOwn(read, name) ? `${read[name]}, ${value}` : value;
  }
  return read;
}
