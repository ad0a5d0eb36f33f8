import { z } from 'zod';
import type { Sink } from '../../model/delivery.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Format } from '../formats/format.ts';
import { lannerFormat } from '../formats/lanner.ts';
import { conductOf } from './conduct.ts';
import { batchSchema, conductOptions, httpOptions, httpUrl, signingSchema } from './http/options.ts';
import { type HttpTransport, openHttpTransport } from './http/transport.ts';

export const webhookSinkSchema = z.strictObject({
  type: z.literal('webhook'),
  url: httpUrl.describe('where findings are sent'),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('HTTP method'),
  format: z.enum(['lanner']).default('lanner').describe('how a finding looks to the receiver'),
  batch: batchSchema.optional().describe('several findings in one request; without it, one each'),
  signing: signingSchema.optional().describe('sign as Standard Webhooks say'),
  ...httpOptions,
  ...conductOptions,
});
export type WebhookSinkConfig = z.infer<typeof webhookSinkSchema>;

/** Findings as HTTP requests, one per attempt. Redirects are not followed: a redirect is a failure. */
export function openWebhookSink(name: string, config: WebhookSinkConfig, clock: Clock = systemClock): Sink {
  const format = lannerFormat(config.batch?.form);
  const transport = openHttpTransport(
    {
      url: config.url,
      method: config.method,
      http: config,
      signing: config.signing,
      connections: config.concurrency,
    },
    clock,
  );
  return httpSink(name, 'webhook', format, transport, conductOf(config, config.timeout_secs));
}

/** A sink that renders with a format and sends over HTTP. */
export function httpSink(
  name: string,
  type: string,
  format: Format,
  transport: HttpTransport,
  conduct: Sink['conduct'] & object,
): Sink {
  return {
    name,
    type,
    conduct,
    send: (parcel, signal, options) => transport.send(parcel.id, format.render(parcel, options), signal),
    close: () => transport.close(),
  };
}
