import { createEnricher } from '../../enrich/index.ts';
import { silentLog } from '../../telemetry/log.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { type Check, error, ok, type Result, skipped, warn } from './check.ts';

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
        const text = reason ?? `no answer within ${timeoutMs / 1000} s`;
        const mend =
          'Findings go out without the facts it knows; see enrich in deploy/reference/configuration.md.';
        const none = code === 'enrich_no_source';
        const found = (none ? warn : error)(`enrichment ${name}`, text, mend);
        return code === undefined ? found : { ...found, code };
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
