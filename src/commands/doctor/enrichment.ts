import { createEnricher } from '../../enrich/index.ts';
import { silentLog } from '../../telemetry/log.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { type Check, error, ok, type Result, skipped } from './check.ts';

/** The container runtimes and the Kubernetes API, asked as `run` asks them. */
export const enrichment: Check = {
  id: 'enrichment',
  async run({ config, env, timeoutMs }) {
    const about = 'enrichment';
    if (!config.enrich.enabled) return [skipped(about, 'switched off (enrich.enabled)')];
    const enricher = createEnricher(config.enrich, {
      metrics: new Metrics(),
      log: silentLog,
      env: { ...env },
    });
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      await Promise.race([enricher.start(abort.signal), aborted(abort.signal)]);
      return enricher.health().map(({ name, state, reason, code, version }): Result => {
        if (state === 'ok') return ok(`enrichment ${name}`, version ?? 'answers');
        if (state === 'off') return skipped(`enrichment ${name}`, reason ?? 'switched off');
        const mend =
          'Findings go out without the facts it knows; see enrich in deploy/reference/configuration.md.';
        if (reason === undefined)
          return error(`enrichment ${name}`, `no answer within ${timeoutMs / 1000} s`, mend);
        // A reason brings its mend along.
        const status = code === 'enrich_no_source' ? 'warn' : 'error';
        return { status, about: `enrichment ${name}`, text: reason, ...(code !== undefined && { code }) };
      });
    } finally {
      clearTimeout(timer);
      abort.abort();
      await enricher.close();
    }
  },
};

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
