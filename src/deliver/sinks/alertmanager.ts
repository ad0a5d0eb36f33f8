import { z } from 'zod';
import type { Outcome, Parcel, SendOptions } from '../../model/delivery.ts';
import { alertmanagerFormat } from '../formats/alertmanager.ts';
import { conductOf } from './conduct.ts';
import { batchSchema, conductOptions, httpOptions, httpUrl } from './http/options.ts';
import type { ProbedSink, SinkDeps } from './http/sink.ts';
import { type Exchange, openHttpTransport } from './http/transport.ts';

/** Section `sinks.<name>` of type alertmanager: keys with their units in the descriptions. */
export const alertmanagerSinkSchema = z.strictObject({
  type: z.literal('alertmanager'),
  urls: z
    .array(httpUrl)
    .min(1)
    .describe(
      'base URL of each Alertmanager of the cluster, such as http://alertmanager:9093: each gets every alert',
    ),
  labels: z
    .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'is no label name'), z.string().min(1))
    .default({})
    .describe('further labels of every alert'),
  resolve_after_secs: z
    .number()
    .min(60)
    .max(86_400)
    .default(3_600)
    .describe('then an alert counts as resolved'),
  batch: batchSchema.omit({ form: true }).prefault({}).describe('several alerts in one request'),
  ...httpOptions,
  ...conductOptions,
});
/** What is read from that section, defaults filled in. */
export type AlertmanagerSinkConfig = z.infer<typeof alertmanagerSinkSchema>;

/**
 * Alerts for a cluster of Alertmanagers. These share notifications, not alerts, so each is sent every one. An
 * alert has arrived when one of them has it: one that is down must not hold it back.
 */
export function openAlertmanagerSink(
  name: string,
  config: AlertmanagerSinkConfig,
  deps: SinkDeps,
): ProbedSink {
  const format = alertmanagerFormat({
    labels: config.labels,
    resolve_after_ms: config.resolve_after_secs * 1000,
    page_url: deps.page_url,
    now: deps.clock.now,
  });
  const transports = config.urls.map((url) =>
    openHttpTransport(
      {
        url: `${url.replace(/\/+$/, '')}/api/v2/alerts`,
        method: 'POST',
        http: config,
        connections: config.concurrency,
      },
      deps.clock,
    ),
  );

  async function send(
    parcel: Parcel,
    signal: AbortSignal,
    options?: SendOptions,
    watch?: (exchange: Exchange) => void,
  ): Promise<Outcome> {
    const rendered = format.render(parcel, options);
    const outcomes = await Promise.all(
      transports.map((each) => each.send(parcel.id, rendered, signal, watch)),
    );
    const order = ['delivered', 'retry', 'rejected'];
    const [best] = outcomes.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    return best ?? { kind: 'rejected', reason: 'unrenderable' };
  }

  return {
    name,
    type: 'alertmanager',
    conduct: conductOf(config, config.timeout_secs),
    send: (parcel, signal, options) => send(parcel, signal, options),
    async probe(parcel, signal) {
      const exchanges: Exchange[] = [];
      const outcome = await send(parcel, signal, undefined, (exchange) => exchanges.push(exchange));
      return { outcome, exchanges };
    },
    async close() {
      await Promise.all(transports.map((transport) => transport.close()));
    },
  };
}
