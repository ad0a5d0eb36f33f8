import { type Clock, pause, systemClock } from '../lib/clock.ts';
import type { Enricher } from '../model/enrich.ts';
import { enrichEvents } from '../telemetry/enrich-events.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { EnrichConfig } from './config.ts';
import { servesCri } from './cri/client.ts';
import { createCriSource } from './cri/source.ts';
import { chooseSockets, type RuntimeSocket } from './discover.ts';
import { createDockerSource } from './docker/source.ts';
import { createEnricherOf, type Discover } from './enricher.ts';
import type { StoredImage } from './image.ts';
import { runsInPod, serviceAccountFolder } from './kubernetes/access.ts';
import { chooser } from './kubernetes/facts.ts';
import { createKubernetesSource } from './kubernetes/source.ts';
import { createOnce } from './once.ts';
import type { FactSource } from './source.ts';

export interface EnricherDeps {
  metrics: Metrics;
  log: Log;
  clock?: Clock;
  env?: NodeJS.ProcessEnv;
  /** Folder of the pod's service account. */
  serviceAccount?: string;
  /** Put before the usual places of sockets. */
  root?: string;
  /** How often `auto` looks again while it has found no socket. */
  discover_ms?: number;
  /** How long one watch on pods lasts, and the shortest time between two. */
  watch_secs?: number;
  watch_rest_ms?: number;
}

/** The enricher the configuration asks for. Nothing outside the process is touched before `start`. */
export function createEnricher(config: EnrichConfig, deps: EnricherDeps): Enricher {
  if (!config.enabled) return nothing;
  const clock = deps.clock ?? systemClock;
  const env = deps.env ?? process.env;
  const serviceAccount = deps.serviceAccount ?? serviceAccountFolder;
  const events = enrichEvents(deps.metrics, deps.log);
  const images = createOnce<StoredImage>(config.cache.images);
  const wanted = chooser(config.kubernetes.labels);

  const open = ({ socket, type }: RuntimeSocket): FactSource =>
    type === 'docker'
      ? createDockerSource({ socket, images, clock, events })
      : createCriSource({ socket, config, images, wanted, clock, events });

  const sources: FactSource[] = [];
  const asksKubernetes = usesKubernetes(config, env, serviceAccount);
  if (asksKubernetes) {
    sources.push(
      createKubernetesSource({
        config: config.kubernetes,
        wait_ms: config.deadline_ms * 0.8,
        max: config.cache.containers,
        clock,
        events,
        env,
        serviceAccount,
        ...(deps.watch_secs === undefined ? {} : { watch_secs: deps.watch_secs }),
        ...(deps.watch_rest_ms === undefined ? {} : { rest_ms: deps.watch_rest_ms }),
      }),
    );
  }
  const isListed = Array.isArray(config.runtimes);
  if (isListed) sources.push(...chooseSockets(config.runtimes).map(open));

  /** Looks in the usual places until something is found there. Sockets without CRI are passed over. */
  const discover: Discover = async (signal, add, looked) => {
    for (;;) {
      const found = chooseSockets('auto', deps.root);
      const speaks = await Promise.all(
        found.map((one) => one.type === 'docker' || servesCri(one.socket, signal)),
      );
      const useful = found.filter((_, at) => speaks[at]);
      for (const socket of useful) add(open(socket));
      looked();
      if (useful.length > 0) return;
      await pause(clock, deps.discover_ms ?? 30_000, signal);
      if (signal.aborted) return;
    }
  };
  const discovers = config.runtimes === 'auto' && !asksKubernetes;
  return createEnricherOf({ config, sources, clock, events, images, ...(discovers ? { discover } : {}) });
}

/** `auto`: in a pod, or where a kubeconfig is given. */
function usesKubernetes(config: EnrichConfig, env: NodeJS.ProcessEnv, serviceAccount: string): boolean {
  const { mode, kubeconfig } = config.kubernetes;
  if (mode !== 'auto') return mode === 'on';
  return kubeconfig !== undefined || runsInPod(env, serviceAccount);
}

/** `enabled: false`. */
const nothing: Enricher = {
  enrich: (event) => event,
  later: () => Promise.resolve(undefined),
  observe() {},
  health: () => [{ name: 'enrich', state: 'off' }],
  start: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
