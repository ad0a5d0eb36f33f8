import type { Config } from '../config.ts';
import { type Deliverer, openDeliverer } from '../deliver/dispatcher.ts';
import { durableStore } from '../deliver/store/durable.ts';
import { memoryStore } from '../deliver/store/memory.ts';
import { createEnricher } from '../enrich/index.ts';
import { tokenOf } from '../http/access.ts';
import { serveControl } from '../http/control.ts';
import { type Readiness, readinessOf } from '../http/readiness.ts';
import { type HealthReport, type HttpServer, serveHttp } from '../http/server.ts';
import { holdingClock, systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { Miss } from '../model/history.ts';
import type { Source } from '../model/intake.ts';
import { openPipeline, type Pipeline, type Settings } from '../pipeline.ts';
import { openGrouping } from '../route/grouping.ts';
import { buildInfo } from '../telemetry/build-info.ts';
import { deliverEvents, deliverGauges } from '../telemetry/deliver-events.ts';
import { type ExceptionEvents, exceptionEvents } from '../telemetry/exception-events.ts';
import { tailEvents } from '../telemetry/history-events.ts';
import type { Log } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type ReloadCause, reloadEvents } from '../telemetry/reload-events.ts';
import { routeEvents } from '../telemetry/route-events.ts';
import { sourceMetrics } from '../telemetry/source-metrics.ts';
import { openCanaries } from './canary.ts';
import type { ConfigFile } from './config-file.ts';
import { controlHandlers, tailHandler } from './control.ts';
import { openExpiry } from './expiry.ts';
import { healthOf } from './health.ts';
import { openJournal } from './journal.ts';
import { type Judging, openJudging, placeOf } from './judging.ts';
import { openLearningWork } from './learning.ts';
import { openMemory } from './memory.ts';
import { openNotices } from './notices.ts';
import { controlSocket, stateDirectory } from './places.ts';
import { changesOf, openReloads, type Prepared, type ReloadReport } from './reload.ts';
import { bodyId, openSinks, relayName } from './sinks.ts';
import { openSources } from './sources.ts';
import { openWatch } from './watch.ts';

/** A Lanner put together from its configuration. Constructing it touches nothing outside the process. */
export interface Service {
  readonly pipeline: Pipeline;
  readonly deliverer: Deliverer;
  readonly sources: readonly Source[];
  /** What each exception did since start. */
  readonly exceptions: Pick<ExceptionEvents, 'uses' | 'unused'>;
  /** Takes back the spool, serves HTTP (`http`: its URL), connects the sources. Throws LannerError where it cannot. */
  start(): Promise<{ http?: string }>;
  /**
   * Reads the configuration again and takes it over, or says why not; then the old one stays in force, whole. Never
   * rejects. Refused where the service was opened without its file.
   */
  reload(cause: ReloadCause): Promise<ReloadReport>;
  /** The configuration in force. */
  config(): Config;
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
  /** What `config` was loaded from; absent: it cannot change. */
  file?: ConfigFile;
  /** Hears each configuration that is taken over. */
  onConfig?: (config: Config) => void;
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
  const { log } = parts;
  let { config } = parts;
  let judging = openJudging(config);
  let sinks = openSinks(config);
  const metrics = new Metrics({ process: true });
  buildInfo(metrics, parts.version);
  const onDisk = config.durable ? durableStore(stateDirectory(config)) : undefined;
  const aboutTail = tailEvents(metrics);
  const journal = openJournal({ config: () => config, store: onDisk, metrics, log });
  const deliverer = openDeliverer({
    sinks: sinks.sinks,
    store: onDisk ?? memoryStore(),
    log,
    clock: holdingClock,
    random: Math.random,
    events: deliverEvents(metrics, log),
    bounds: config.spool,
  });
  const enricher = createEnricher(config.enrich, { metrics, log });
  const canaries = openCanaries({
    config,
    sources: () => sources.health(),
    metrics,
    log,
    ...(parts.runCanary !== undefined && { run: parts.runCanary }),
  });
  const grouping = openGrouping();
  const undecided = routeEvents(metrics, log);
  const excepting = exceptionEvents(metrics, judging.exceptions.names, Date.now());
  const pipeline = openPipeline({
    ...settingsOf(config, judging),
    ...openMemory(config, parts.state ?? true, enricher.observe),
    enrich: enricher.enrich,
    later: enricher.later,
    accept: (finding, to) => deliverer.accept(finding, to),
    canary: canaries.check,
    log,
    onFinding(finding, to) {
      journal.finding(finding, { hidden: false, sinks: to });
      learning.finding(finding);
      parts.onFinding?.(finding, to);
    },
    onHidden(finding) {
      journal.finding(finding, { hidden: true, sinks: [] });
      parts.onHidden?.(finding);
    },
    onMiss: journal.miss,
  });
  const learning = openLearningWork({ config: () => config, clock: systemClock, metrics, log });
  const expiry = openExpiry({ config: () => config, clock: holdingClock, metrics, log });

  function settingsOf(of: Config, by: Judging): Settings {
    return {
      detector: by.detector,
      minSeverity: by.minSeverity,
      ...(by.redact !== undefined && { redact: by.redact }),
      place: placeOf(of),
      except(finding) {
        const excepted = by.exceptions.apply(finding);
        excepting.seen(excepted.finding);
        return excepted;
      },
      route: (finding) => grouping.place(finding, by.router.route(finding, undecided), Date.now()),
      queue: of.queue,
    };
  }

  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  // Whoever does not ask is not told: without this the process would end.
  failed.catch(() => {});
  const sources = openSources({
    config,
    intake: pipeline.intake,
    relay(name, body, type) {
      const source = config.sources[name];
      if (source?.type !== 'falco_http' || source.relay === undefined) return;
      void deliverer.relay(bodyId(body), body, type, [relayName(name)]);
    },
    fail: (error) => fail(error),
    log,
  });
  const gauges = deliverGauges(metrics, () => deliverer.status(), Date.now);
  const counted = sourceMetrics(metrics, {
    counts: () => pipeline.counts(),
    findings: () => pipeline.findings(),
    queued: () => pipeline.queued(),
    sources: sources.health,
  });
  const notices = openNotices({
    config: () => config,
    sources: sources.health,
    counts: pipeline.counts,
    canaries: () => canaries.health()?.sources ?? [],
    configRefused: () => reloads?.health().refused?.why,
    deliverer,
    log,
  });

  /** Ends after the sources: what has arrived is still judged with its facts. */
  const enriching = new AbortController();
  let http: HttpServer | undefined;
  let control: { close(): Promise<void> } | undefined;
  let stopping: Promise<{ delivered: number; left: number }> | undefined;

  const aboutReloads = reloadEvents(metrics, log);
  const { file } = parts;
  const reloads =
    file === undefined
      ? undefined
      : openReloads({
          file,
          running: () => ({ config, judging }),
          prepare,
          newest,
          events: aboutReloads,
          now: Date.now,
        });
  const watch =
    file === undefined || reloads === undefined
      ? undefined
      : openWatch({
          files: file.files,
          settings: () => config.reload,
          changed: () => (config.reload.watch ? reloads.reload('file') : Promise.resolve()),
          clock: holdingClock,
        });

  /** Everything is built before anything that runs is touched. */
  async function prepare(next: Config): Promise<Prepared> {
    const token = tokenOf(next.http);
    const nextJudging = openJudging(next);
    const plan = sinks.plan(next);
    const opened = [...plan.added, ...plan.replaced];
    const discard = async () => void (await Promise.all(opened.map((sink) => sink.close())));
    const leaving = await sources.plan(next).catch(async (error: unknown) => {
      await discard();
      throw error;
    });
    return {
      judging: nextJudging,
      changes: changesOf({ sources: leaving, sinks: plan.names }),
      discard,
      async commit() {
        await sources.leave(leaving);
        // From here to the next await: no event is judged by one and delivered by the other.
        [config, judging, sinks] = [next, nextJudging, plan.next];
        deliverer.reconfigure(plan, next.spool);
        excepting.adopt(judging.exceptions.names);
        pipeline.adopt(settingsOf(config, judging));
        http?.demand(token);
        canaries.adopt(config);
        sources.enter(leaving);
        expiry.look();
        parts.onConfig?.(config);
      },
    };
  }

  async function newest(count: number): Promise<(Finding | Miss)[]> {
    if (onDisk === undefined || count === 0) return [];
    // What did not fire may with the new one.
    const kinds = await Promise.all(
      [false, true].map((missed) => onDisk.queryHistory({ missed }, { newest: true, limit: count })),
    );
    return kinds.flatMap(({ payloads }) => payloads.map((text) => JSON.parse(text) as Finding | Miss));
  }

  function health(): HealthReport {
    return healthOf({
      version: parts.version,
      sources: sources.health(),
      enrichment: enricher.health(),
      status: deliverer.status(),
      canary: canaries.health(),
      ...(reloads !== undefined && { config: reloads.health() }),
    });
  }

  function ready(): Readiness {
    return readinessOf({
      sources: sources.health(),
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
    sources.start();
    notices.start();
    canaries.start();
    await openControl();
    watch?.start();
    return http === undefined ? {} : { http: http.url };
  }

  /** Commands are a convenience: without their socket everything else goes on. */
  async function openControl(): Promise<void> {
    if (!config.durable || deliverer.status().spool.degraded !== undefined) return;
    const path = controlSocket(stateDirectory(config));
    try {
      control = await serveControl(path, {
        ...controlHandlers(deliverer, onDisk, journal.written, reload),
        ...tailHandler(journal.feed, aboutTail),
        exceptions: () => ({ since: excepting.since, uses: excepting.uses() }),
        learning: () => learning.snapshot(),
      });
    } catch (error) {
      log.warn('commands cannot reach this Lanner', { reason: messageOf(error) });
    }
  }

  async function reload(cause: ReloadCause): Promise<ReloadReport> {
    if (reloads !== undefined) return reloads.reload(cause);
    const why = 'this Lanner was not started from a file';
    return {
      outcome: 'refused',
      code: 'config_unreadable',
      why,
      mend: 'Start it with `lanner run --config`.',
    };
  }

  async function stopNow(deadlineMs: number): Promise<{ delivered: number; left: number }> {
    const until = Date.now() + deadlineMs;
    watch?.stop();
    await reloads?.close();
    notices.stop();
    expiry.stop();
    await canaries.stop();
    await sources.stop();
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
    get sources() {
      return sources.all();
    },
    exceptions: excepting,
    reload,
    config: () => config,
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
