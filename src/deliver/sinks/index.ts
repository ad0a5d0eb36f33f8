import { z } from 'zod';
import type { Sink } from '../../model/delivery.ts';
import { alertmanagerSinkSchema, openAlertmanagerSink } from './alertmanager.ts';
import { openChatSink, slackSinkSchema, teamsSinkSchema } from './chat.ts';
import type { SinkDeps } from './http/sink.ts';
import { fileSinkSchema, openFileSink, openStdoutSink, stdoutSinkSchema } from './lines.ts';
import { openPagerdutySink, pagerdutySinkSchema } from './pagerduty.ts';
import { openWebhookSink, webhookSinkSchema } from './webhook.ts';

/** Every type of sink. */
export const sinkSchema = z.discriminatedUnion('type', [
  webhookSinkSchema,
  slackSinkSchema,
  teamsSinkSchema,
  pagerdutySinkSchema,
  alertmanagerSinkSchema,
  stdoutSinkSchema,
  fileSinkSchema,
]);
export type SinkConfig = z.output<typeof sinkSchema>;

/** Constructs a sink; touches nothing but a template's file. Throws LannerError `template`. */
export function openSink(name: string, config: SinkConfig, deps: SinkDeps): Sink {
  switch (config.type) {
    case 'webhook':
      return openWebhookSink(name, config, deps.clock, deps);
    case 'slack':
    case 'teams':
      return openChatSink(name, config, deps);
    case 'pagerduty':
      return openPagerdutySink(name, config, deps);
    case 'alertmanager':
      return openAlertmanagerSink(name, config, deps);
    case 'stdout':
      return openStdoutSink(name);
    case 'file':
      return openFileSink(name, config, deps);
  }
}
