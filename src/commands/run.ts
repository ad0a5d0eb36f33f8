import { type Config, loadConfig } from '../config.ts';
import { openService } from '../service/index.ts';
import { openLog } from '../telemetry/log.ts';
import { version } from '../version.ts';
import { exitCodes } from './exit-codes.ts';
import { stopSignal } from './signals.ts';

/**
 * The service. Ends with 0 when a signal asked it to and everything was drained, with `undelivered` when the
 * deadline came first. Throws LannerError for what stands in the way of starting.
 */
export async function run(file: string): Promise<number> {
  const config = loadConfig(file);
  const log = openLog(logOptions(config));
  const service = openService({ config, version, log });
  const signal = stopSignal();
  try {
    const { http } = await service.start();
    log.info('lanner runs', {
      version,
      sources: Object.keys(config.sources),
      sinks: Object.keys(config.sinks),
      ...(http !== undefined && { http }),
    });
    if (Object.keys(config.sinks).length === 0)
      log.warn('no sink is configured: findings are counted and go nowhere', { config: file });
    log.info('stopping', { signal: await Promise.race([signal, service.failed]) });
    const { delivered, left } = await service.stop(config.shutdown_secs * 1000);
    log.info('stopped', { delivered_while_draining: delivered, left });
    return left === 0 ? exitCodes.ok.code : exitCodes.undelivered.code;
  } finally {
    await service.stop(0);
    await log.flush();
  }
}

export function logOptions(config: Config): { level: Config['log']['level']; format: 'json' | 'text' } {
  const { level, format } = config.log;
  return { level, format: format === 'auto' ? (process.stderr.isTTY ? 'text' : 'json') : format };
}
