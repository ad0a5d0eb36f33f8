import type { Config } from '../config.ts';
import { openConfigFile } from '../service/config-file.ts';
import { openService } from '../service/index.ts';
import { openLog } from '../telemetry/log.ts';
import { version } from '../version.ts';
import { exitCodes } from './exit-codes.ts';
import { onHangup, stopSignal } from './signals.ts';

/**
 * The service. Ends with 0 when a signal asked it to and everything was drained, with `undelivered` when the
 * deadline came first. Throws LannerError for what stands in the way of starting.
 */
export async function run(path: string): Promise<number> {
  // Asked for before anything is opened: a signal during the start ends it in order, too.
  const signal = stopSignal();
  // A hangup that comes before there is anything to reload must not end the process.
  let reload: (() => void) | undefined;
  let early = false;
  onHangup(() => {
    early = reload === undefined;
    reload?.();
  });
  const file = openConfigFile(path);
  const config = file.load();
  const log = openLog(logOptions(config));
  const service = openService({
    config,
    file,
    version,
    log,
    onConfig: (next) => log.adopt(logOptions(next)),
  });
  try {
    const { http } = await service.start();
    reload = () => void service.reload('SIGHUP');
    log.info('lanner runs', {
      version,
      sources: Object.keys(config.sources),
      sinks: Object.keys(config.sinks),
      ...(http !== undefined && { http }),
    });
    if (Object.keys(config.sinks).length === 0)
      log.warn('no sink is configured: findings are counted and go nowhere', { config: path });
    if (early) reload();
    log.info('stopping', { signal: await Promise.race([signal, service.failed]) });
    const { delivered, left } = await service.stop(service.config().shutdown_secs * 1000);
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
