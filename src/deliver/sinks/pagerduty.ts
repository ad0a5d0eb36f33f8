import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Outcome, Parcel, SendOptions } from '../../model/delivery.ts';
import { severities } from '../../model/finding.ts';
import { pagerdutyFormat } from '../formats/pagerduty.ts';
import { conductOf } from './conduct.ts';
import { conductOptions, httpOptions, httpUrl } from './http/options.ts';
import type { ProbedSink, SinkDeps } from './http/sink.ts';
import { type Exchange, openHttpTransport } from './http/transport.ts';

/** Section `sinks.<name>` of type pagerduty; the key is read by `${ENV}` or from a file. */
export const pagerdutySinkSchema = z
  .strictObject({
    type: z.literal('pagerduty'),
    routing_key: z.string().optional().describe('integration key of the service, from the environment'),
    routing_key_file: z.string().optional().describe('file with the integration key, read for each attempt'),
    url: httpUrl
      .default('https://events.pagerduty.com/v2/enqueue')
      .describe('for the EU: https://events.eu.pagerduty.com/v2/enqueue'),
    ...httpOptions,
    ...conductOptions,
    min_severity: z.enum(severities).exclude(['none']).default('high').describe('findings below page nobody'),
  })
  .refine(
    ({ routing_key, routing_key_file }) => (routing_key === undefined) !== (routing_key_file === undefined),
    {
      path: ['routing_key'],
      message: 'give one of routing_key and routing_key_file',
    },
  );
/** What is read from that section, defaults filled in. */
export type PagerdutySinkConfig = z.infer<typeof pagerdutySinkSchema>;

/** Alerts by PagerDuty's Events API v2. */
export function openPagerdutySink(name: string, config: PagerdutySinkConfig, deps: SinkDeps): ProbedSink {
  let key = config.routing_key ?? '';
  const format = pagerdutyFormat(() => key, deps.page_url);
  const transport = openHttpTransport(
    { url: config.url, method: 'POST', http: config, connections: config.concurrency, secrets: () => [key] },
    deps.clock,
  );

  async function send(
    parcel: Parcel,
    signal: AbortSignal,
    options?: SendOptions,
    watch?: (exchange: Exchange) => void,
  ): Promise<Outcome> {
    try {
      if (config.routing_key_file !== undefined)
        key = (await readFile(config.routing_key_file, 'utf8')).trim();
    } catch (error) {
      return { kind: 'retry', reason: 'credentials_unreadable', detail: messageOf(error) };
    }
    return transport.send(parcel.id, format.render(parcel, options), signal, watch);
  }

  return {
    name,
    type: 'pagerduty',
    conduct: conductOf(config, config.timeout_secs),
    send: (parcel, signal, options) => send(parcel, signal, options),
    async probe(parcel, signal) {
      const exchanges: Exchange[] = [];
      const outcome = await send(parcel, signal, undefined, (exchange) => exchanges.push(exchange));
      return { outcome, exchanges };
    },
    close: () => transport.close(),
  };
}
