import type { Dispatcher } from 'undici';
import type { Clock } from '../../../lib/clock.ts';

/** What is read of an answer at most; the rest is thrown away with its connection. */
const answerBytes = 16_384;
/** The status is the answer: a receiver that dawdles over the body after it is not waited for longer. */
const answerMs = 1_000;

/** Names in lower case. `body` is the first bytes of it, as text. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Ends a request early. Whoever makes it says why; `act` is the request's, once there is one. */
export interface Cut {
  why: 'aborted' | 'timeout' | undefined;
  act: (() => void) | undefined;
}

/**
 * One request over undici's `dispatch`, without the streams and signals of its `request`, which cost more than the
 * request itself. Rejects with the error of the connection, or when it is cut. What breaks after the status does not
 * change what the status said.
 */
export function ask(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  cut: Cut,
  clock: Clock,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = new Asking(resolve, reject, clock);
    cut.act = () => asking.end('cut off');
    if (cut.why === undefined) dispatcher.dispatch(request, asking);
    else cut.act();
  });
}

class Asking implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: Error) => void;
  readonly #clock: Clock;
  #controller: Dispatcher.DispatchController | undefined;
  #answer: Answer | undefined;
  #chunks: Buffer[] | undefined;
  #length = 0;
  #cancel: (() => void) | undefined;
  #ended = false;

  constructor(resolve: (answer: Answer) => void, reject: (error: Error) => void, clock: Clock) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#clock = clock;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It was cut while it waited for a connection: nothing is sent.
    if (this.#ended) controller.abort(new Error('cut off'));
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Answer['headers'],
  ): void {
    if (status < 200 || this.#ended) return;
    this.#answer = { status, headers, body: '' };
    // An empty answer ends at once.
    if (status !== 204 && headers['content-length'] !== '0')
      this.#cancel = this.#clock.after(answerMs, () => this.end('a slow answer'));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return;
    this.#chunks ??= [];
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length >= answerBytes) this.end('a long answer');
  }

  onResponseEnd(): void {
    this.#controller = undefined;
    this.end('no answer');
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#controller = undefined;
    this.end(error);
  }

  /** What is known by now is the answer, or else the error is; whatever is still under way ends with its connection. */
  end(why: Error | string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancel?.();
    if (this.#answer) {
      this.#answer.body = this.#body();
      this.#resolve(this.#answer);
    } else this.#reject(errorOf(why));
    this.#controller?.abort(errorOf(why));
  }

  #body(): string {
    if (!this.#chunks) return '';
    return Buffer.concat(this.#chunks, this.#length).subarray(0, answerBytes).toString('utf8');
  }
}

/** Made only where it is needed: its stack costs as much as sending. */
function errorOf(why: Error | string): Error {
  return typeof why === 'string' ? new Error(why) : why;
}
