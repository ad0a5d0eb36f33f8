import { within } from '../../lib/abort.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { LannerError } from '../../lib/errors.ts';
import { type KubeHttp, StatusError } from './http.ts';
import type { KubePod, PodList, WatchEvent } from './objects.ts';

/** Hears of pods. */
export interface PodListener {
  changed(pod: KubePod): void;
  removed(pod: KubePod): void;
  /** After a list: every pod there is; others went unseen. */
  complete(uids: ReadonlySet<string>): void;
}

export interface PodWatch {
  /**
   * Lists, then watches, until the connection fails (rejects) or `signal` aborts. Called again it goes on
   * where it stopped, and lists anew only if the server has forgotten that place.
   */
  run(http: KubeHttp, up: () => void, signal: AbortSignal): Promise<void>;
}

export interface PodWatchOptions {
  /** Absent: pods of all nodes. */
  node?: string;
  listener: PodListener;
  clock: Clock;
  /** The server ends a watch after this many seconds; a silent one is given up soon after. */
  watch_secs?: number;
  /** Shortest time between two watches. */
  rest_ms?: number;
  page?: number;
}

const requestMs = 15_000;
const graceMs = 15_000;

/** A watch on pods with bookmarks, paged lists, and recovery from forgotten places (410 Gone). */
export function createPodWatch(options: PodWatchOptions): PodWatch {
  const { clock, listener } = options;
  const watchSecs = options.watch_secs ?? 290;
  const selector: Record<string, string> = options.node
    ? { fieldSelector: `spec.nodeName=${options.node}` }
    : {};
  let version: string | undefined;

  const list = async (http: KubeHttp, signal: AbortSignal): Promise<string> => {
    const uids = new Set<string>();
    let next: string | undefined;
    for (;;) {
      const query = { ...selector, limit: String(options.page ?? 500), ...(next ? { continue: next } : {}) };
      const page = await within(requestMs, signal, (limited) =>
        http.get<PodList>(`/api/v1/pods?${new URLSearchParams(query)}`, limited),
      );
      for (const pod of page.items ?? []) {
        if (pod.metadata?.uid) uids.add(pod.metadata.uid);
        listener.changed(pod);
      }
      next = page.metadata?.continue || undefined;
      if (next !== undefined) continue;
      listener.complete(uids);
      return page.metadata?.resourceVersion ?? '';
    }
  };

  const watch = async (http: KubeHttp, up: () => void, signal: AbortSignal): Promise<void> => {
    const query = new URLSearchParams({
      ...selector,
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(Math.ceil(watchSecs)),
      ...(version ? { resourceVersion: version } : {}),
    });
    await within(watchSecs * 1000 + graceMs, signal, (limited) =>
      http.lines(`/api/v1/pods?${query}`, up, (line) => hear(line), limited),
    );
  };

  const hear = (line: string): void => {
    const event = JSON.parse(line) as WatchEvent;
    if (event.type === 'ERROR') {
      const code = event.object.code ?? 0;
      throw new StatusError(
        code,
        'kube_failed',
        event.object.message ?? 'the watch failed',
        'Lanner tries again',
      );
    }
    if (event.type === 'DELETED') listener.removed(event.object);
    else if (event.type !== 'BOOKMARK') listener.changed(event.object);
    version = event.object.metadata?.resourceVersion ?? version;
  };

  return {
    async run(http, up, signal) {
      let forgotten = 0;
      while (!signal.aborted) {
        if (version === undefined) {
          version = await list(http, signal);
          up();
        }
        const began = clock.now();
        try {
          await watch(http, up, signal);
          forgotten = 0;
        } catch (error) {
          if (!isGone(error)) throw error;
          version = undefined;
          forgotten += 1;
          if (forgotten > 2) {
            throw new LannerError(
              'kube_failed',
              'the API server forgets each list at once',
              'Lanner tries again',
            );
          }
        }
        // A server that closes each watch at once must not be asked in a tight loop.
        const rest = (options.rest_ms ?? 1000) - (clock.now() - began);
        if (rest > 0) await pause(clock, rest, signal);
      }
    },
  };
}

function isGone(error: unknown): boolean {
  return error instanceof StatusError && error.status === 410;
}
