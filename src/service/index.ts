import { canarySign } from '../canary/program.ts';
import { type Config, nodeName } from '../config.ts';
import { type Deliverer, openDeliverer } from '../deliver/dispatcher.ts';
import { durableStore } from '../deliver/store/durable.ts';
import { memoryStore } from '../deliver/store/memory.ts';
import { createEnricher } from '../enrich/index.ts';
import { serveControl } from '../http/control.ts';
import { type Readiness, readinessOf } from '../http/readiness.ts';
import { type HealthReport, type HttpServer, serveHttp } from '../http/server.ts';
import { holdingClock, systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Addressee } from '../model/delivery.ts';
import type { Finding } from '../model/finding.ts';
import type { Source } from '../model/intake.ts';
import { openPipeline, type Pipeline } from '../pipeline.ts';
import { openGrouping } from '../route/grouping.ts';
import { openSource } from '../sources/index.ts';
import { buildInfo } from '../telemetry/build-info.ts';
import { deliverEvents, deliverGauges } from '../telemetry/deliver-events.ts';
import { type ExceptionEvents, exceptionEvents } from '../telemetry/exception-events.ts';
import type { Log } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { routeEvents } from '../telemetry/route-events.ts';
import { sourceMetrics } from '../telemetry/source-metrics.ts';
import { canarySources, openCanary } from './canary.ts';
import { controlHandlers } from './control.ts';
import { openExpiry } from './expiry.ts';
import { healthOf } from './health.ts';
import { openJournal } from './journal.ts';
import { openJudging } from './judging.ts';
import { openLearningWork } from './learning.ts';
import { openMemory } from './memory.ts';
import { openNotices } from './notices.ts';
import { controlSocket, stateDirectory } from './places.ts';
import { openSinks, relayFor } from './sinks.ts';

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
  log: Log;
  /** False: each event is judged by itself. */
  state?: boolean;
  onFinding?: (finding: Finding, sinks: readonly string[]) => void;
  /** Runs a canary's program; default: our own Node.js. */
  runCanary?: (args: readonly string[], signal: AbortSignal) => Promise<void>;
  /** Hears what exceptions hide. */
  onHidden?: (finding: Finding) => void;
}

export function openService(parts: ServiceParts): Service {
  const { config, log } = parts;
  const metrics = new Metrics({ process: true });
  buildInfo(metrics, parts.version);
  const sources = Object.entries(config.sources).map(([name, source]) =>
    openSource(name, source, {
      log,
      ...relayFor(name, source, () => deliverer),
      ...(canarySources(config).includes(name) && { canary: canarySign() }),
    }),
  );
  const onDisk = config.durable ? durableStore(stateDirectory(config)) : undefined;
  const journal = openJournal({ config, store: onDisk, metrics, log });
  const deliverer = openDeliverer({
    sinks: openSinks(config),
    store: onDisk ?? memoryStore(),
    log,
    clock: holdingClock,
    random: Math.random,
    events: deliverEvents(metrics, log),
    bounds: config.spool,
  });
  const sourceHealth = () => sources.map((source) => source.health());
  const canary = openCanary(config, sourceHealth, metrics, log, parts.runCanary);
  const enricher = createEnricher(config.enrich, { metrics, log });
  const { detector, exceptions, router, minSeverity, redact } = openJudging(config);
  const grouping = openGrouping();
  const undecided = routeEvents(metrics, log);
  const excepting = exceptionEvents(metrics, exceptions.names, Date.now());
  const pipeline = openPipeline({
    detector,
    ...openMemory(config, parts.state ?? true, enricher.observe),
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
    minSeverity,
    ...(canary !== undefined && { canary: canary.check }),
    ...(redact !== undefined && { redact }),
    queue: config.queue,
    log,
    onFinding(finding, sinks) {
      journal.finding(finding, { hidden: false, sinks });
      learning.finding(finding);
      parts.onFinding?.(finding, sinks);
    },
    onHidden(finding) {
      journal.finding(finding, { hidden: true, sinks: [] });
      parts.onHidden?.(finding);
    },
    onMiss: journal.miss,
  });
  const learning = openLearningWork({ config: () => config, clock: systemClock, metrics, log });
  const expiry = openExpiry({ config: () => config, clock: holdingClock, metrics, log });
  const gauges = deliverGauges(metrics, () => deliverer.status(), Date.now);
  const counted = sourceMetrics(metrics, {
    counts: () => pipeline.counts(),
    findings: () => pipeline.findings(),
    queued: () => pipeline.queued(),
    sources: sourceHealth,
  });
  const notices = openNotices({
    config: () => config,
    sources: sourceHealth,
    counts: pipeline.counts,
    canaries: () => canary?.health() ?? [],
    deliverer,
    log,
  });

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
    return healthOf({
      version: parts.version,
      sources: sourceHealth(),
      enrichment: enricher.health(),
      status: deliverer.status(),
      ...(canary !== undefined && { canary: { sources: canary.health(), failure: canary.failure() } }),
    });
  }

  function ready(): Readiness {
    return readinessOf({
      sources: sourceHealth(),
      spool: deliverer.status().spool,
      stopping: stopping !== undefined,
      reasons: health().reasons,
    });
  }

  async function scrape(): Promise<{ body: string; type: string }> {
    counted.refresh();
    gauges();
    journal.refresh();
    expiry.look();
    learning.refresh();
    return { body: await metrics.registry.metrics(), type: metrics.registry.contentType };
  }

  async function start(): Promise<{ http?: string }> {
    expiry.start();
    await learning.start();
    await deliverer.start();
    if (config.http.enabled) http = await serveHttp(config.http, { health, ready, metrics: scrape });
    void enricher.start(enriching.signal);
    running = sources.map((source) => source.run(pipeline.intake(source.name), abort.signal).catch(fail));
    notices.start();
    canary?.start();
    await openControl();
    return http === undefined ? {} : { http: http.url };
  }

  /** Commands are a convenience: without their socket everything else goes on. */
  async function openControl(): Promise<void> {
    if (!config.durable || deliverer.status().spool.degraded !== undefined) return;
    const path = controlSocket(stateDirectory(config));
    try {
      control = await serveControl(path, {
        ...controlHandlers(deliverer, onDisk),
        exceptions: () => ({ since: excepting.since, uses: excepting.uses() }),
        learning: () => learning.snapshot(),
      });
    } catch (error) {
      log.warn('commands cannot reach this Lanner', { reason: messageOf(error) });
    }
  }

  async function stopNow(deadlineMs: number): Promise<{ delivered: number; left: number }> {
    const until = Date.now() + deadlineMs;
    notices.stop();
    expiry.stop();
    await canary?.stop();
    abort.abort();
    await Promise.all(running);
    await pipeline.idle();
    enriching.abort();
    await enricher.close();
    await journal.close();
    await learning.close();
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
