import { within } from '../../lib/abort.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import type { EnrichEvents } from '../../telemetry/enrich-events.ts';
import type { StoredImage } from '../image.ts';
import type { Once } from '../once.ts';
import { createLink, persist } from '../reconnect.ts';
import type { FactSource, Learn, Lookup, Question } from '../source.ts';
import { checkSocket } from '../unix-socket.ts';
import { type DockerClient, openDockerClient, requestError } from './client.ts';
import { dockerFacts, dockerImage } from './facts.ts';
import type { DockerEvent, Version } from './messages.ts';

export interface DockerOptions {
  socket: string;
  images: Once<StoredImage>;
  clock: Clock;
  events: EnrichEvents;
}

const firstAnswerMs = 5000;
/** Events are not repeated: look at the whole list this often. */
const recountMs = 60_000;

/** Docker Engine or Podman on a unix socket. */
export function createDockerSource(options: DockerOptions): FactSource {
  const { socket, clock, events } = options;
  const name = `docker:${socket}`;
  const failure = { code: 'runtime_failed', mend: 'look into the log of the daemon' };
  const link = createLink({ name, kind: 'docker', events, failure });
  let client: DockerClient | undefined;
  let runtime = 'docker';

  const find = async (question: Question, signal: AbortSignal): Promise<Lookup> => {
    if (client === undefined) return { kind: 'failed', reason: link.why() ?? 'unavailable' };
    const open = client;
    const id = question.id.length === 64 ? question.id : await fullId(open, question.id, signal);
    if (typeof id !== 'string') return id;
    const container = await open.container(id, signal);
    if (container === undefined) return { kind: 'missing' };
    const imageId = container.Image;
    const image = imageId
      ? await options.images.get(`${name} ${imageId}`, async () => {
          const answer = await open.image(imageId, signal);
          return answer === undefined ? undefined : dockerImage(answer);
        })
      : undefined;
    return { kind: 'found', facts: dockerFacts(runtime, container, image) };
  };

  const follow = async (open: DockerClient, learn: Learn, signal: AbortSignal): Promise<void> => {
    const stop = new AbortController();
    const either = stop.signal;
    signal.addEventListener('abort', () => stop.abort(), { once: true });
    // The stream first, so that nothing falls between the list and it.
    const stream = open.events((event) => hear(event, learn), either).finally(() => stop.abort());
    stream.catch(() => undefined);
    try {
      while (!either.aborted) {
        const running = await within(firstAnswerMs, either, (limited) => open.list(undefined, limited));
        for (const { Id } of running) learn.started(Id);
        learn.alive(new Set(running.map(({ Id }) => Id)));
        await pause(clock, recountMs, either);
      }
    } finally {
      stop.abort();
    }
    await stream;
  };

  const attempt = async (learn: Learn, signal: AbortSignal, up: (version: string) => void): Promise<void> => {
    await checkSocket(socket, signal);
    const open = openDockerClient(socket);
    try {
      const version = await within(firstAnswerMs, signal, open.version);
      runtime = runtimeName(version);
      client = open;
      up(`${runtime} ${version.Version}`);
      await follow(open, learn, signal);
    } finally {
      client = undefined;
      await open.close();
    }
  };

  return {
    name,
    kind: 'docker',
    down: link.why,
    health: link.health,
    async lookup(question, signal) {
      try {
        return await find(question, signal);
      } catch {
        return { kind: 'failed', reason: 'failed' };
      }
    },
    run: (learn, tried, signal) =>
      persist({ link, clock, signal, tried }, async (inner, up) => {
        try {
          await attempt(learn, inner, up);
        } catch (error) {
          throw requestError(socket, error);
        }
      }),
  };
}

function runtimeName(version: Version): string {
  return version.Components?.some((part) => part.Name.startsWith('Podman')) ? 'podman' : 'docker';
}

function hear(event: DockerEvent, learn: Learn): void {
  const id = event.Actor?.ID;
  if (id === undefined) return;
  if (event.Action === 'start') learn.started(id);
  if (event.Action === 'die' || event.Action === 'destroy') learn.gone(id);
}

/** The one id that begins with `prefix`; the daemon's filter is a pattern, so its answer is looked at again. */
async function fullId(open: DockerClient, prefix: string, signal: AbortSignal): Promise<string | Lookup> {
  const listed = await open.list(prefix, signal);
  const ids = listed.map(({ Id }) => Id).filter((id) => id.startsWith(prefix));
  if (ids.length > 1) return { kind: 'ambiguous' };
  return ids[0] ?? { kind: 'missing' };
}
