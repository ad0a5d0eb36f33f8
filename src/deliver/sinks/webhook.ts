import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Clock, holdingClock } from '../../lib/clock.ts';
import { LannerError, messageOf } from '../../lib/errors.ts';
import { cloudeventsFormat } from '../formats/cloudevents.ts';
import { falcosidekickFormat } from '../formats/falcosidekick.ts';
import type { Format } from '../formats/format.ts';
import { lannerFormat } from '../formats/lanner.ts';
import { ocsfFormat } from '../formats/ocsf.ts';
import { slackFormat } from '../formats/slack.ts';
import { teamsFormat } from '../formats/teams.ts';
import { templateFormat } from '../formats/template.ts';
import { conductOf } from './conduct.ts';
import { batchSchema, conductOptions, httpOptions, httpUrl, signingSchema } from './http/options.ts';
import { httpSink, type ProbedSink, type SinkDeps } from './http/sink.ts';
import { hasOneAddress, oneAddress, openAddressTransport } from './http/url-file.ts';

const templateSchema = z
  .strictObject({
    body: z.string().optional().describe('Liquid; sees finding, group, notice, story and delivery_id'),
    body_file: z.string().optional().describe('file with the template'),
    content_type: z.string().default('application/json; charset=utf-8').describe('content type of the body'),
  })
  .refine(
    ({ body, body_file }) => (body === undefined) !== (body_file === undefined),
    'give one of body and body_file',
  );

const batching = ['lanner', 'cloudevents', 'cloudevents_binary', 'ocsf', 'template'];

/** Section `sinks.<name>` of type webhook. */
export const webhookSinkSchema = z
  .strictObject({
    type: z.literal('webhook'),
    url: httpUrl.optional().describe('where findings are sent; this or url_file'),
    url_file: z.string().optional().describe('file with that URL, read for each attempt'),
    method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('HTTP method'),
    format: z
      .enum([
        'lanner',
        'cloudevents',
        'cloudevents_binary',
        'falcosidekick',
        'ocsf',
        'slack',
        'teams',
        'template',
      ])
      .default('lanner')
      .describe('how a finding looks to the receiver'),
    template: templateSchema.optional().describe('the body of format template'),
    batch: batchSchema.optional().describe('several findings in one request; without it, one each'),
    signing: signingSchema.optional().describe('sign as Standard Webhooks say'),
    ...httpOptions,
    ...conductOptions,
  })
  .refine(hasOneAddress, oneAddress)
  .refine(({ format, template }) => (format === 'template') === (template !== undefined), {
    path: ['template'],
    message: 'format template and the key template go together',
  })
  .refine(({ format, batch }) => batch === undefined || batching.includes(format), {
    path: ['batch'],
    message: `only ${batching.join(', ')} can hold several findings`,
  });
/** What is read from that section, defaults filled in. */
export type WebhookSinkConfig = z.infer<typeof webhookSinkSchema>;

/** Findings as HTTP requests. Redirects are not followed: a redirect is a failure. */
export function openWebhookSink(
  name: string,
  config: WebhookSinkConfig,
  clock: Clock = holdingClock,
  deps: Omit<SinkDeps, 'clock'> = {},
): ProbedSink {
  const transport = openAddressTransport(
    config,
    {
      method: config.method,
      http: config,
      signing: config.signing,
      connections: config.concurrency,
    },
    clock,
  );
  return httpSink(
    name,
    'webhook',
    formatOf(name, config, deps.page_url),
    transport,
    conductOf(config, config.timeout_secs),
  );
}

function formatOf(name: string, config: WebhookSinkConfig, page_url: string | undefined): Format {
  switch (config.format) {
    case 'lanner':
      return lannerFormat(config.batch?.form);
    case 'cloudevents':
      return cloudeventsFormat('structured');
    case 'cloudevents_binary':
      return cloudeventsFormat('binary');
    case 'falcosidekick':
      return falcosidekickFormat();
    case 'ocsf':
      return ocsfFormat();
    case 'slack':
      return slackFormat(page_url);
    case 'teams':
      return teamsFormat(page_url);
    case 'template':
      return templateFormat(templateText(name, config), config.template?.content_type ?? '', page_url);
  }
}

function templateText(name: string, { template }: WebhookSinkConfig): string {
  if (template?.body !== undefined) return template.body;
  const file = template?.body_file ?? '';
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new LannerError(
      'template',
      `sinks.${name}.template.body_file: ${messageOf(error)}`,
      'Check the path and who may read it.',
      { cause: error },
    );
  }
}
