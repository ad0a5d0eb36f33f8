import { z } from 'zod';
import type { Sink } from '../../model/delivery.ts';
import { lannerFormat } from '../formats/lanner.ts';
import { conductOf } from './conduct.ts';
import { conductOptions, httpOptions, httpUrl } from './http/options.ts';
import { httpSink, type SinkDeps } from './http/sink.ts';
import { openHttpTransport } from './http/transport.ts';

const { min_severity: _minSeverity, ...relayConduct } = conductOptions;

/** Where received bodies are passed on to, as they came. */
export const relaySchema = z.strictObject({
  url: httpUrl.describe('who got these alerts before Lanner did'),
  ...httpOptions,
  ...relayConduct,
});
export type RelayConfig = z.output<typeof relaySchema>;

/** A destination for relayed bodies: the same durability and retries as for findings, the bytes unchanged. */
export function openRelaySink(name: string, config: RelayConfig, { clock }: SinkDeps): Sink {
  const transport = openHttpTransport(
    { url: config.url, method: 'POST', http: config, connections: config.concurrency },
    clock,
  );
  return httpSink(name, 'relay', lannerFormat(), transport, conductOf(config, config.timeout_secs));
}
