import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Config, nodeName } from './config.ts';
import { type Deliverer, openDeliverer } from './deliver/dispatcher.ts';
import { openSink } from './deliver/sinks/index.ts';
import { openRelaySink } from './deliver/sinks/relay.ts';
import { controlRunning } from './deliver/spool-control.ts';
import { durableStore } from './deliver/store/durable.ts';
import { memoryStore } from './deliver/store/memory.ts';
import { openTroubleWatch } from './deliver/troubles.ts';
import { redactEvent, redactText } from './detect/index.ts';
import { createEnricher } from './enrich/index.ts';
import { openRecorder } from './history/recorder.ts';
import { serveControl } from './http/control.ts';
import { type Readiness, readinessOf } from './http/readiness.ts';
import { type HealthReport, type HttpServer, serveHttp } from './http/server.ts';
import { holdingClock } from './lib/clock.ts';
import { messageOf } from './lib/errors.ts';
import { rfc3339 } from './lib/time.ts';
import type { Addressee, Sink } from './model/delivery.ts';
import type { Finding, Severity } from './model/finding.ts';
import type { HistoryFilter } from './model/history.ts';
import type { Detector, Source } from './model/intake.ts';
import { openPipeline, type Pipeline, type PipelineParts } from './pipeline.ts';
import { compileExceptions, expiredExceptions } from './route/exceptions.ts';
import { openGrouping } from './route/grouping.ts';
import { compileRoutes, lowestSeverity, type Router } from './route/tree.ts';
import { openSource } from './sources/index.ts';
import { openChains } from './state/chains.ts';
import { openFolds } from './state/fold.ts';
import { ProcessTable } from './state/process-table.ts';
import { RecentExecs } from './state/recent.ts';
import { seenBefore } from './state/seen.ts';
import { buildInfo } from './telemetry/build-info.ts';
import { deliverEvents, deliverGauges } from './telemetry/deliver-events.ts';
import { type ExceptionEvents, exceptionEvents } from './telemetry/exception-events.ts';
import { historyEvents } from './telemetry/history-events.ts';
import type { Log } from './telemetry/log.ts';
import { Metrics } from './telemetry/metrics.ts';
import { routeEvents } from './telemetry/route-events.ts';
import { sourceMetrics } from './telemetry/source-metrics.ts';

/** A Lanner put together from its configuration. Constructing it touches nothing outside the process. */
export interface Service {
  readonly pipeline: Pipeline;
  readonly deliverer: Deliverer;
  readonly sources: readonly Source[];
  /** What each exception did since start. */
  readonly exceptions: Pick<ExceptionEvents, 'uses' | 'unused'>;
  /** Takes back the spool, serves HTTP (`http`: its URL), connects the sources. Throws LannerError where it cannot. */
  start(): Promise<{ http?: string }>;
  /** Rejects with the first trouble of a source that waiting cannot mend (a port that is taken). */
  readonly failed: Promise<never>;
  /**
   * Stops the sources, judges what has arrived, delivers until the deadline. A second call answers as the
   * first.
   */
  stop(deadlineMs: number): Promise<{ delivered: number; left: number }>;
  health(): HealthReport;
  ready(): Readiness;
  readonly metrics: Metrics;
}

export interface ServiceParts {
  config: Config;
  version: string;
  detector: Detector;
  log: Log;
  /** False: each event is judged by itself. */
  state?: boolean;
  onFinding?: (finding: Finding, sinks: readonly string[]) => void;
  /** Hears what exceptions hide. */
  onHidden?: (finding: Finding) => void;
}

export function openService(parts: ServiceParts): Service {
  const { config, log } = parts;
  const metrics = new Metrics({ process: true });
  buildInfo(metrics, parts.version);
  const sources = Object.entries(config.sources).map(([name, source]) =>
    openSource(name, source, { log, ...relayFor(name, source) }),
  );
  const onDisk = config.durable ? durableStore(stateDirectory(config)) : undefined;
  const recorder =
    onDisk === undefined || !config.history.enabled
      ? undefined
      : openRecorder({
          store: onDisk,
          config: config.history,
          now: Date.now,
          events: historyEvents(metrics, log),
        });
  const deliverer = openDeliverer({
    sinks: openSinks(config),
    store: onDisk ?? memoryStore(),
    log,
    clock: holdingClock,
    random: Math.random,
    events: deliverEvents(metrics, log),
    bounds: config.spool,
  });
  function relayFor(name: string, source: Config['sources'][string]) {
    if (source.type !== 'falco_http' || source.relay === undefined) return {};
    const to = [relayName(name)];
    return {
      relay: (body: Buffer, type: string) => void deliverer.relay(bodyId(body), body, type, to),
    };
  }
  const enricher = createEnricher(config.enrich, { metrics, log });
  const router = routerOf(config);
  const grouping = openGrouping();
  const undecided = routeEvents(metrics, log);
  const exceptions = compileExceptions(config.exceptions);
  const excepting = exceptionEvents(metrics, exceptions.names);
  const pipeline = openPipeline({
    detector: parts.detector,
    ...openState(config, parts.state ?? true, enricher.observe),
    enrich: enricher.enrich,
    later: enricher.later,
    place: { node: nodeName(config), ...(config.cluster !== undefined && { cluster: config.cluster }) },
    except: (finding) => {
      const excepted = exceptions.apply(finding);
      excepting.seen(excepted.finding);
      return excepted;
    },
    route: (finding): Addressee[] => grouping.place(finding, router.route(finding, undecided), Date.now()),
    accept: (finding, to) => deliverer.accept(finding, to),
    minSeverity: lowestSeverity(config.route, traitsOf(config)),
    ...(config.detect.redact && { redact: redactFinding }),
    queue: config.queue,
    log,
    onFinding(finding, sinks) {
      recorder?.keep(finding, { hidden: false, sinks });
      parts.onFinding?.(finding, sinks);
    },
    onHidden(finding) {
      recorder?.keep(finding, { hidden: true, sinks: [] });
      parts.onHidden?.(finding);
    },
  });
  const expiredGauge = metrics.gauge(
    'lanner_exceptions_expired',
    'Exceptions that have expired and do not apply',
  );
  const gauges = deliverGauges(metrics, () => deliverer.status(), Date.now);
  const counted = sourceMetrics(metrics, {
    counts: () => pipeline.counts(),
    findings: () => pipeline.findings(),
    queued: () => pipeline.queued(),
    sources: () => sources.map((source) => source.health()),
  });
  const watch = openTroubleWatch({ after_ms: config.notices.after_secs * 1000 });
  let cancelWatch: (() => void) | undefined;

  /** Lanner's own troubles go to the sinks that are asked for, but for the one they are about. */
  function watchTroubles(): void {
    cancelWatch = holdingClock.after(config.notices.look_secs * 1000, watchTroubles);
    const observation = {
      sources: sources.map((source) => source.health()),
      counts: pipeline.counts(),
      status: deliverer.status(),
    };
    const to = config.notices.sinks ?? config.route.sinks ?? Object.keys(config.sinks);
    for (const notice of watch.look(observation, Date.now())) {
      log.warn(notice.title, {
        notice: notice.kind,
        state: notice.state,
        subject: notice.subject,
        detail: notice.detail,
      });
      void deliverer.notify(
        notice,
        to.filter((sink) => sink !== notice.subject),
      );
    }
  }

  const abort = new AbortController();
  /** Ends after the sources: what has arrived is still judged with its facts. */
  const enriching = new AbortController();
  let running: Promise<void>[] = [];
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  // Whoever does not ask is not told: without this the process would end.
  failed.catch(() => {});
  let http: HttpServer | undefined;
  let control: { close(): Promise<void> } | undefined;
  let stopping: Promise<{ delivered: number; left: number }> | undefined;

  function health(): HealthReport {
    const states = sources.map((source) => source.health());
    const { sinks, spool } = deliverer.status();
    const reasons = [
      ...states
        .filter(({ state }) => state !== 'ok')
        .map(
          ({ name, state, reason }) =>
            `source ${name} is ${state}${reason === undefined ? '' : `: ${reason}`}`,
        ),
      ...sinks
        .filter(({ state }) => state !== 'flowing')
        .map(
          ({ name, state, detail }) => `sink ${name} is ${state}${detail === undefined ? '' : `: ${detail}`}`,
        ),
      ...enricher
        .health()
        .filter(({ state }) => state === 'degraded')
        .map(
          ({ name, reason }) =>
            `enrichment from ${name} is degraded${reason === undefined ? '' : `: ${reason}`}`,
        ),
      ...(spool.degraded === undefined ? [] : [`the spool is degraded: ${spool.degraded}`]),
    ];
    return {
      status: reasons.length === 0 ? 'ok' : 'degraded',
      version: parts.version,
      sources: states,
      enrichment: enricher.health(),
      reasons,
    };
  }

  function ready(): Readiness {
    return readinessOf({
      sources: sources.map((source) => source.health()),
      spool: deliverer.status().spool,
      stopping: stopping !== undefined,
      reasons: health().reasons,
    });
  }

  async function start(): Promise<{ http?: string }> {
    warnOfExpired();
    await deliverer.start();
    if (config.http.enabled)
      http = await serveHttp(config.http, {
        health,
        ready,
        metrics: async () => {
          counted.refresh();
          gauges();
          expiredGauge.set(expiredNow(config).length);
          return { body: await metrics.registry.metrics(), type: metrics.registry.contentType };
        },
      });
    void enricher.start(enriching.signal);
    running = sources.map((source) => source.run(pipeline.intake(source.name), abort.signal).catch(fail));
    watchTroubles();
    await openControl();
    return http === undefined ? {} : { http: http.url };
  }

  function warnOfExpired(): void {
    for (const { name, expires, owner } of expiredNow(config))
      log.warn('an exception has expired: it does not apply any more', {
        exception: name,
        expires,
        ...(owner !== undefined && { owner }),
      });
  }

  /** Commands are a convenience: without their socket everything else goes on. */
  async function openControl(): Promise<void> {
    if (!config.durable || deliverer.status().spool.degraded !== undefined) return;
    const spool = controlRunning(deliverer.admin);
    try {
      control = await serveControl(controlSocket(stateDirectory(config)), {
        spool_list: spool.list,
        spool_show: spool.show,
        spool_retry: spool.retry,
        spool_drop: spool.drop,
        sink_unblock: ({ sink }: { sink: string }) => deliverer.admin.unblock(sink),
        status: () => deliverer.status(),
        ...(onDisk !== undefined && {
          history_query: ({ filter, page }: HistoryQuestion) => onDisk.queryHistory(filter, page),
          history_get: ({ id }: { id: string }) => onDisk.getHistory(id),
        }),
      });
    } catch (error) {
      log.warn('commands cannot reach this Lanner', { reason: messageOf(error) });
    }
  }

  async function stopNow(deadlineMs: number): Promise<{ delivered: number; left: number }> {
    const until = Date.now() + deadlineMs;
    cancelWatch?.();
    abort.abort();
    await Promise.all(running);
    await pipeline.idle();
    enriching.abort();
    await enricher.close();
    await recorder?.flush();
    const drained = await deliverer.drain(Math.max(0, until - Date.now()));
    await Promise.all([http?.close(), control?.close()]);
    return drained;
  }

  return {
    pipeline,
    deliverer,
    sources,
    exceptions: excepting,
    start,
    failed,
    stop(deadlineMs) {
      stopping ??= stopNow(deadlineMs);
      return stopping;
    },
    health,
    ready,
    metrics,
  };
}

/**
 * The same pipeline for recordings: judged at once and in order, delivered only on request. `drain` waits for
 * the deliveries and says how many are left.
 */
export function openReplayPipeline(parts: Omit<ServiceParts, 'version'> & { deliver: boolean }): {
  pipeline: Pipeline;
  drain(): Promise<number>;
} {
  const { config, log, deliver } = parts;
  const metrics = new Metrics();
  const deliverer = openDeliverer({
    sinks: deliver ? openSinks(config) : [],
    store: memoryStore(),
    log,
    clock: holdingClock,
    random: Math.random,
    events: deliverEvents(metrics, log),
  });
  const router = routerOf(config);
  const exceptions = compileExceptions(config.exceptions);
  const started = deliver ? deliverer.start() : Promise.resolve();
  const pipeline = openPipeline({
    detector: parts.detector,
    ...openState(config, parts.state ?? true),
    except: exceptions.apply,
    ...(parts.onHidden !== undefined && { onHidden: parts.onHidden }),
    route: (finding) => router.route(finding).map((target) => target.sink),
    accept: async (finding, to) => {
      await started;
      if (deliver) await deliverer.accept(finding, to);
    },
    minSeverity: lowestSeverity(config.route, traitsOf(config)),
    ...(config.detect.redact && { redact: redactFinding }),
    log,
    ...(parts.onFinding !== undefined && { onFinding: parts.onFinding }),
  });
  return {
    pipeline,
    async drain() {
      if (!deliver) return 0;
      await started;
      return (await deliverer.drain(config.shutdown_secs * 1000)).left;
    },
  };
}

/** What is remembered; without state each event is judged by itself, ancestors and context excepted. */
function openState(
  config: Config,
  on: boolean,
  onContainer?: (id: string) => void,
): Pick<PipelineParts, 'processes' | 'recent' | 'state'> {
  const { processes, state } = config;
  return {
    processes: new ProcessTable({ maxBytes: processes.max_bytes, maxEntries: processes.max_entries }),
    recent: new RecentExecs({
      containers: state.context_containers,
      slots: state.context_execs,
      ...(onContainer !== undefined && { onContainer }),
    }),
    // Zero switches a part off.
    ...(on && {
      state: {
        ...(state.seen_secs > 0 &&
          state.seen_entries > 0 && {
            seen: seenBefore({ maxEntries: state.seen_entries, ttlSeconds: state.seen_secs }),
          }),
        ...(state.chain_secs > 0 && { chains: openChains({ windowSeconds: state.chain_secs }) }),
        ...(state.fold_secs > 0 && { folds: openFolds({ windowSeconds: state.fold_secs }) }),
      },
    }),
  };
}

/** Credentials are taken out of everything the judgement itself did not write. */
function redactFinding(finding: Finding): Finding {
  const { exec, related, context } = finding;
  const redacted = <T extends { text: string }>(entries: T[]) =>
    entries.map((entry) => ({ ...entry, text: redactText(entry.text) }));
  return {
    ...finding,
    exec: redactEvent(exec),
    ...(related !== undefined && { related: redacted(related) }),
    ...(context !== undefined && { context: redacted(context) }),
  };
}

function openSinks(config: Config): Sink[] {
  const deps = { clock: holdingClock, page_url: config.page_url?.replace(/\/+$/, '') };
  const relays = Object.entries(config.sources).flatMap(([name, source]) =>
    source.type === 'falco_http' && source.relay !== undefined
      ? [openRelaySink(relayName(name), source.relay, deps)]
      : [],
  );
  return [...Object.entries(config.sinks).map(([name, sink]) => openSink(name, sink, deps)), ...relays];
}

/** What `lanner history` asks of a running Lanner. */
export interface HistoryQuestion {
  filter: HistoryFilter;
  page: { newest: boolean; limit: number; from?: number };
}

/** Where a running Lanner listens for commands. */
export function controlSocket(directory: string): string {
  return join(directory, 'control.sock');
}

/** The dot keeps it apart from the names an operator may give. */
function relayName(source: string): string {
  return `${source}.relay`;
}

/** The same for the same body: a repeat by Falco is a repeat for the receiver. */
function bodyId(body: Buffer): string {
  return `r-${createHash('sha256').update(body).digest('hex').slice(0, 24)}`;
}

/** Where the store lives: as configured, else the system's place if it is ours to write, else the user's. */
export function stateDirectory(config: Config): string {
  const system = '/var/lib/lanner';
  if (config.state_dir !== undefined) return config.state_dir;
  if (process.getuid?.() === 0 || isWritable(system)) return system;
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'lanner');
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Exceptions that do not apply any more. */
export function expiredNow(config: Pick<Config, 'exceptions'>): ReturnType<typeof expiredExceptions> {
  return expiredExceptions(config.exceptions, rfc3339(Math.floor(Date.now() / 1000), 0));
}

export function routerOf(config: Config): Router {
  return compileRoutes(config.route, traitsOf(config));
}

function traitsOf(config: Config): { name: string; min_severity: Severity | undefined }[] {
  return Object.entries(config.sinks).map(([name, sink]) => ({
    name,
    min_severity: 'min_severity' in sink ? sink.min_severity : undefined,
  }));
}
