import { z } from 'zod';
import { severities } from '../../model/finding.ts';
import { slackFormat } from '../formats/slack.ts';
import { teamsFormat } from '../formats/teams.ts';
import { conductOf } from './conduct.ts';
import { conductOptions, httpOptions, httpUrl } from './http/options.ts';
import { httpSink, type ProbedSink, type SinkDeps } from './http/sink.ts';
import { hasOneAddress, oneAddress, openAddressTransport } from './http/url-file.ts';

/** Chat is for people: it begins at medium, and slowly, since vendors allow few messages a second. */
const chatOptions = {
  ...httpOptions,
  ...conductOptions,
  min_severity: z
    .enum(severities)
    .exclude(['none'])
    .default('medium')
    .describe('findings below are not sent here'),
  concurrency: conductOptions.concurrency.default(1),
};

const url_file = z.string().optional().describe('file with that URL, read for each attempt');

/** An incoming webhook of Slack. */
export const slackSinkSchema = z
  .strictObject({
    type: z.literal('slack'),
    url: httpUrl
      .optional()
      .describe('the incoming webhook, from the environment: it is a secret; this or url_file'),
    url_file,
    ...chatOptions,
  })
  .refine(hasOneAddress, oneAddress);
/** A Workflows webhook of Teams. */
export const teamsSinkSchema = z
  .strictObject({
    type: z.literal('teams'),
    url: httpUrl
      .optional()
      .describe(
        'the URL of the workflow "when a Teams webhook request is received", from the environment; this or url_file',
      ),
    url_file,
    ...chatOptions,
  })
  .refine(hasOneAddress, oneAddress);
export type SlackSinkConfig = z.infer<typeof slackSinkSchema>;
export type TeamsSinkConfig = z.infer<typeof teamsSinkSchema>;

/** Messages for a chat channel. */
export function openChatSink(
  name: string,
  config: SlackSinkConfig | TeamsSinkConfig,
  deps: SinkDeps,
): ProbedSink {
  const format = config.type === 'slack' ? slackFormat(deps.page_url) : teamsFormat(deps.page_url);
  const transport = openAddressTransport(
    config,
    { method: 'POST', http: config, connections: config.concurrency },
    deps.clock,
  );
  return httpSink(name, config.type, format, transport, conductOf(config, config.timeout_secs));
}
