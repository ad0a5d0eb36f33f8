import { z } from 'zod';
import type { Group, Notice } from './delivery.ts';
import { count, execEventSchema, flag, type Same, text, texts, time } from './exec-event-schema.ts';
import { type Finding, peerClasses, severities } from './finding.ts';

const severity = z.enum(severities);

const indicator = z
  .object({
    id: text('id of the indicator, stable'),
    points: z.number().describe('added to the score; negative for a mitigation'),
    hard: flag('never lowered by context'),
    evidence: text('what it was seen on, redacted'),
    why: text('one sentence for the responder'),
    mitre: texts('ATT&CK technique ids'),
  })
  .meta({ id: 'indicator', description: 'a suspicious way of use, or a reason that lowers the score' });

const related = z.object({
  exec_id: text('id of the exec event'),
  time: time('when'),
  text: text('its command line'),
});

const peer = z
  .object({
    role: z.enum(['connect', 'listen', 'proxy', 'resolver', 'query']).describe('what the tool does with it'),
    class: z.enum(peerClasses).describe('where it lies; unknown: it cannot be told'),
    host: text('name or address').exactOptional(),
    port: text('number or range').exactOptional(),
    path: text('of a unix socket').exactOptional(),
  })
  .meta({ id: 'peer', description: 'who the tool talks to, as its arguments say it' });

const context = z.object({
  time: time('when'),
  kind: z.enum(['exec', 'alert']).describe('a program start or an alert of the sensor'),
  text: text('command line of an exec, or rule and output of an alert'),
  pid: count('process id').exactOptional(),
  rule: text('the rule of the alert').exactOptional(),
});

/** Schema of `lanner.finding/v1`: the type `Finding`, held to it by the compiler. */
export const findingSchema = z
  .object({
    schema: z.literal('lanner.finding/v1').describe('name and version; it grows by addition only'),
    id: text('the same exec seen again is the same finding'),
    revision: z.int().min(1).describe('1, 2, … as facts or severity are added'),
    time: time("the exec's time"),
    severity: severity.describe('in rising order; a finding is never none'),
    score: z.number().describe('points of the tool and the indicators together'),
    title: text('one line: what, where'),
    tool: text('id of the network utility').exactOptional(),
    category: text('category of the network utility').exactOptional(),
    why: texts('sentences for the responder'),
    indicators: z.array(indicator).describe('what fired'),
    mitre: texts('ATT&CK technique ids, most specific first'),
    triage: z
      .array(
        z.object({
          text: text('what to do'),
          command: text('ready to paste; never run by Lanner').exactOptional(),
        }),
      )
      .describe('what a responder does next'),
    peers: z.array(peer).describe('who the tool talks to').exactOptional(),
    exec: execEventSchema,
    related: z.array(related).describe('events folded into this finding, its own included').exactOptional(),
    context: z.array(context).describe('what else happened in the container around the time').exactOptional(),
    exceptions: z
      .array(
        z.object({
          name: text('name of the exception'),
          mode: z.enum(['hide', 'lower', 'count']).describe('what it does where it applies'),
          applied: z.boolean().describe('false: it matched or may have matched, and did not apply'),
          why: text('why it applied or did not'),
          because: z
            .enum(['hard_indicator', 'missing_fact', 'expired'])
            .describe('what kept it from applying')
            .exactOptional(),
        }),
      )
      .describe('exceptions that applied or could not be decided')
      .exactOptional(),
    severity_before: z
      .enum(severities)
      .describe('the severity the judgement gave, where an exception lowered it')
      .exactOptional(),
    test: z.literal(true).describe('a person asked for this finding; nothing has happened').exactOptional(),
  })
  .meta({ id: 'finding' });

const groupSchema = z
  .object({
    key: text('stable name of the group'),
    kind: z
      .enum(['group', 'rate'])
      .describe("group: gathered by a route's group_by; rate: held back by a rate limit"),
    labels: z.record(z.string(), z.string()).describe('what the findings have in common'),
    count: z.int().min(1).describe('how many findings this stands for'),
    by_severity: z.partialRecord(severity, z.int().min(1)).describe('how many of each severity'),
    first: time('time of the first finding'),
    last: time('time of the last finding'),
    samples: z.array(findingSchema).describe('some of the others, the most severe first'),
  })
  .meta({ id: 'group', description: 'present where one body tells of several findings' });

/** What the format `lanner` sends: a finding, or one that stands for several. */
export const deliveredFindingSchema = findingSchema.extend({ group: groupSchema.exactOptional() });

/** Schema of `lanner.notice/v1`: the type `Notice`. */
export const noticeSchema = z.object({
  schema: z.literal('lanner.notice/v1').describe('name and version; it grows by addition only'),
  id: text('the same for the start and the end of one trouble'),
  kind: z
    .enum([
      'source_down',
      'sensor_blind',
      'upstream_drops',
      'spool_filling',
      'spool_degraded',
      'sink_blocked',
      'delivery_lost',
      'config_refused',
    ])
    .describe('what kind of trouble'),
  state: z.enum(['started', 'ended']).describe('whether it began or is over'),
  severity: severity.describe('how bad it is'),
  subject: text('what it is about: a source, a sink, spool or configuration'),
  title: text('one line'),
  detail: text('what is known'),
  started: time('when it began'),
  ended: time('when it was over').exactOptional(),
});

const isSame: [
  Same<z.infer<typeof findingSchema>, Finding>,
  Same<z.infer<typeof groupSchema>, Group>,
  Same<z.infer<typeof noticeSchema>, Notice>,
] = [true, true, true];
void isSame;
