import { within } from '../../lib/abort.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import type { EnrichEvents } from '../../telemetry/enrich-events.ts';
import type { EnrichConfig } from '../config.ts';
import type { StoredImage } from '../image.ts';
import type { Once } from '../once.ts';
import { createOnce } from '../once.ts';
import { createLink, persist } from '../reconnect.ts';
import type { FactSource, Facts, Learn, Lookup, Question } from '../source.ts';
import { checkSocket } from '../unix-socket.ts';
import { CallError, type CriClient, connectError, openCriClient } from './client.ts';
import { criFacts, imageRefOf, sandboxIdOf, storedImage } from './facts.ts';
import type { PodSandboxStatus, VersionResponse } from './messages.ts';

export interface CriOptions {
  socket: string;
  config: Pick<EnrichConfig, 'poll_secs' | 'events' | 'cache'>;
  /** Remembered images, by reference; shared by all runtimes. */
  images: Once<StoredImage>;
  wanted: (label: string) => boolean;
  clock: Clock;
  events: EnrichEvents;
}

const firstAnswerMs = 5000;
/** Events may be missed (the runtime drops them when nobody reads): look at the whole list this often. */
const recountMs = 60_000;
const maxIdleFactor = 6;

/** containerd or CRI-O on a unix socket. */
export function createCriSource(options: CriOptions): FactSource {
  const { socket, config, clock, events } = options;
  const name = `cri:${socket}`;
  const failure = { code: 'runtime_failed', mend: 'look into the log of the runtime' };
  const link = createLink({ name, kind: 'cri', events, failure });
  const sandboxes = createOnce<PodSandboxStatus>(config.cache.containers);
  let client: CriClient | undefined;
  let runtime = '';

  const find = async (question: Question, signal: AbortSignal): Promise<Lookup> => {
    if (client === undefined) return { kind: 'failed', reason: link.why() ?? 'unavailable' };
    const open = client;
    const id = question.id.length === 64 ? question.id : await fullId(open, question.id, signal);
    if (typeof id !== 'string') return id;
    const facts = await collect(open, id, signal);
    return facts === undefined ? { kind: 'missing' } : { kind: 'found', facts };
  };

  const collect = async (open: CriClient, id: string, signal: AbortSignal): Promise<Facts | undefined> => {
    const status = await orUndefined(open.status(id, signal));
    if (status?.status == null) return undefined;
    const sandboxId = sandboxIdOf(status);
    const ref = imageRefOf(status.status);
    const [sandbox, image] = await Promise.all([
      sandboxId === undefined
        ? undefined
        : sandboxes.get(
            sandboxId,
            async () => (await orUndefined(open.sandbox(sandboxId, signal))) ?? undefined,
          ),
      ref === undefined
        ? undefined
        : options.images.get(`${name} ${ref}`, async () => {
            const answer = await orUndefined(open.image(ref, signal));
            return answer === undefined ? undefined : storedImage(answer);
          }),
    ]);
    return criFacts({ runtime, status, sandbox, image, wanted: options.wanted });
  };

  const attempt = async (learn: Learn, signal: AbortSignal, up: (version: string) => void): Promise<void> => {
    await checkSocket(socket, signal);
    const open = openCriClient(socket);
    try {
      const version = await firstAnswer(open, socket, signal);
      runtime = version.runtime_name;
      client = open;
      up(`${version.runtime_name} ${version.runtime_version}`);
      await follow(open, version, learn, signal);
    } finally {
      client = undefined;
      open.close();
    }
  };

  /** Tells of containers as they come and go, until the runtime goes away. */
  const follow = async (open: CriClient, version: VersionResponse, learn: Learn, signal: AbortSignal) => {
    const streamed = streamsEvents(config.events, version);
    let hasStream = streamed;
    const ended = new AbortController();
    const stop = () => ended.abort();
    signal.addEventListener('abort', stop, { once: true });
    const stream = streamed ? readEvents(open, learn, ended.signal) : Promise.resolve(false);
    let wake = () => {};
    const watch = stream.then((offered) => {
      hasStream = false;
      wake();
      // The stream was there and ended: the runtime stops, so begin anew. It never was: go on by asking.
      if (offered) stop();
    });
    let failure: unknown;
    watch.catch((error) => {
      failure = error;
      stop();
    });
    const idle = config.poll_secs * 1000;
    let wait = idle;
    let last = '';
    while (!ended.signal.aborted) {
      const running = await within(firstAnswerMs, ended.signal, (limited) => open.list(undefined, limited));
      const ids = running.map((container) => container.id);
      for (const id of ids) learn.started(id);
      learn.alive(new Set(ids));
      const now = ids.sort().join();
      wait = now === last ? Math.min(wait * 2, idle * maxIdleFactor) : idle;
      last = now;
      const rest = pause(clock, hasStream ? recountMs : wait, ended.signal);
      if (!hasStream) await rest;
      else await Promise.race([rest, new Promise<void>((resolve) => (wake = resolve))]);
    }
    signal.removeEventListener('abort', stop);
    if (signal.aborted) return;
    if (failure !== undefined) throw failure;
  };

  return {
    name,
    kind: 'cri',
    down: link.why,
    health: link.health,
    async lookup(question, signal) {
      try {
        return await find(question, signal);
      } catch {
        // Counted by its outcome; why the runtime is in trouble, the connection tells.
        return { kind: 'failed', reason: 'failed' };
      }
    },
    run: (learn, tried, signal) =>
      persist({ link, clock, signal, tried }, async (inner, up) => {
        try {
          await attempt(learn, inner, up);
        } catch (error) {
          throw connectError(socket, error);
        }
      }),
  };
}

/** True if events are offered to more than the kubelet. */
export function streamsEvents(mode: EnrichConfig['events'], version: VersionResponse): boolean {
  if (mode !== 'auto') return mode === 'on';
  if (version.runtime_name !== 'containerd') return true;
  // Before 2.0 containerd gives each event to one reader only: we would take them from the kubelet.
  return Number(/^v?(\d+)\./.exec(version.runtime_version)?.[1] ?? 0) >= 2;
}

async function firstAnswer(open: CriClient, socket: string, signal: AbortSignal): Promise<VersionResponse> {
  try {
    return await within(firstAnswerMs, signal, open.version);
  } catch (error) {
    throw connectError(socket, error);
  }
}

/** True once the stream has ended; false if the runtime does not offer it. */
async function readEvents(open: CriClient, learn: Learn, signal: AbortSignal): Promise<boolean> {
  try {
    await open.events((event) => {
      if (event.container_id === event.pod_sandbox_status?.id) return;
      switch (event.container_event_type) {
        case 'CONTAINER_STARTED_EVENT':
          return learn.started(event.container_id);
        case 'CONTAINER_STOPPED_EVENT':
        case 'CONTAINER_DELETED_EVENT':
          return learn.gone(event.container_id);
      }
    }, signal);
    return true;
  } catch (error) {
    if (error instanceof CallError && error.failure === 'unimplemented') return false;
    throw error;
  }
}

/** The one id that begins with `prefix`. */
async function fullId(open: CriClient, prefix: string, signal: AbortSignal): Promise<string | Lookup> {
  const listed = await open.list(prefix, signal);
  const ids = listed.map((container) => container.id).filter((id) => id.startsWith(prefix));
  if (ids.length > 1) return { kind: 'ambiguous' };
  return ids[0] ?? { kind: 'missing' };
}

async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof CallError && error.failure === 'not_found') return undefined;
    throw error;
  }
}
