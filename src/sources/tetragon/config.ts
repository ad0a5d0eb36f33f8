import { z } from 'zod';
import type { CanarySign } from '../../model/canary.ts';
import { tlsClientSchema } from '../tls.ts';

const eventTypes = [
  'PROCESS_EXEC',
  'PROCESS_EXIT',
  'PROCESS_KPROBE',
  'PROCESS_TRACEPOINT',
  'PROCESS_LOADER',
  'PROCESS_UPROBE',
  'PROCESS_THROTTLE',
  'PROCESS_LSM',
  'PROCESS_USDT',
  'RATE_LIMIT_INFO',
] as const;
const eventSet = z.array(z.enum(eventTypes));
const texts = z.array(z.string());

/** One filter, in Tetragon's own words: fields are ANDed, the values of a field ORed. */
const filterSchema = z.strictObject({
  event_set: eventSet.optional(),
  binary_regex: texts.optional(),
  namespace: texts.optional(),
  namespace_regex: texts.optional().describe('agents from v1.7'),
  health_check: z.boolean().optional(),
  pid: z.array(z.int().nonnegative()).optional(),
  pod_regex: texts.optional(),
  container_name_regex: texts.optional().describe('agents from v1.6'),
  container_id: texts
    .optional()
    .describe('regular expressions; `.` means: in any container. Agents from v1.3'),
  arguments_regex: texts.optional(),
  labels: texts.optional(),
  parent_binary_regex: texts.optional(),
  parent_arguments_regex: texts.optional(),
  ancestor_binary_regex: texts.optional().describe('agents from v1.4, with ancestors switched on'),
  cel_expression: texts.optional().describe('agents from v1.3'),
  in_init_tree: z.boolean().optional().describe('agents from v1.3'),
});
export type TetragonFilter = z.infer<typeof filterSchema>;

const fieldFilterSchema = z.strictObject({
  event_set: eventSet.default(['PROCESS_EXEC']),
  fields: z.array(z.string()).min(1).describe('field masks such as `process.cap`'),
  action: z.enum(['INCLUDE', 'EXCLUDE']).default('EXCLUDE'),
});

/** What Lanner does not read; leaving it out halves what a node's agent has to send. */
const unreadFields = ['process', 'parent'].flatMap((of) =>
  ['cap', 'ns', 'process_credentials'].map((field) => `${of}.${field}`),
);

export const tetragonSchema = z.strictObject({
  type: z.literal('tetragon'),
  address: z
    .string()
    .default('unix:///var/run/tetragon/tetragon.sock')
    .describe('unix:///path or host:port. Charts from 1.7 use the unix socket, older ones localhost:54321'),
  tls: tlsClientSchema.optional().describe('for TCP listeners with TLS (agents after v1.7)'),
  transport: z
    .enum(['auto', 'http2', 'grpc_js'])
    .default('auto')
    .describe(
      'what carries the stream: node:http2 read directly, @grpc/grpc-js at more CPU, or the second only where the first does not get along with the agent or a proxy is set',
    ),
  connect_timeout_secs: z.number().positive().default(10),
  liveness_secs: z
    .number()
    .min(5)
    .default(30)
    .describe('how often GetHealth is asked: response headers come only with the first event'),
  silence_secs: z
    .number()
    .nonnegative()
    .default(900)
    .describe(
      'an open stream without any message for so long is opened anew, and shown as degraded; 0: never',
    ),
  max_message_bytes: z
    .int()
    .min(64 * 1024)
    .default(16 * 1024 * 1024),
  exits: z
    .boolean()
    .default(false)
    .describe(
      'subscribe to process_exit too: the process table forgets the dead first, at twice the messages',
    ),
  allow: z
    .array(filterSchema)
    .default([{ event_set: ['PROCESS_EXEC'], container_id: ['.'] }])
    .describe(
      'server-side filters, ORed. An agent ignores a filter field it does not know, so we filter again',
    ),
  deny: z.array(filterSchema).default([]).describe('server-side filters that take away from allow'),
  field_filters: z
    .array(fieldFilterSchema)
    .default([{ event_set: ['PROCESS_EXEC'], fields: unreadFields, action: 'EXCLUDE' }])
    .describe('fields the agent leaves out'),
  metrics_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("the agent's Prometheus metrics: the only place that tells of events it lost"),
  metrics_secs: z.number().min(5).default(60),
});
export type TetragonConfig = z.infer<typeof tetragonSchema>;

/**
 * The GetEventsRequest, as @grpc/proto-loader takes it. Loss reports have a filter of their own, so that no
 * operator's filter hides them; aggregation is never asked for, it makes the agent drop half. Canaries run on the
 * host where Lanner does: they have a filter too.
 */
export function eventsRequest(config: TetragonConfig, canary?: CanarySign): object {
  const exits = config.exits ? [{ event_set: ['PROCESS_EXIT'], container_id: ['.'] }] : [];
  const losses = { event_set: ['PROCESS_THROTTLE', 'RATE_LIMIT_INFO'] };
  const canaries =
    canary === undefined
      ? []
      : [
          {
            event_set: ['PROCESS_EXEC'],
            binary_regex: [`^${canary.binary.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`],
            arguments_regex: [canary.pattern],
          },
        ];
  const slimExits = {
    event_set: ['PROCESS_EXIT'],
    fields: { paths: ['process.exec_id', 'process.pid', 'time'] },
    action: 'INCLUDE',
  };
  return {
    allow_list: [...config.allow, ...exits, ...canaries, losses].map(wireFilter),
    deny_list: config.deny.map(wireFilter),
    field_filters: [
      ...config.field_filters.map((one) => ({ ...one, fields: { paths: one.fields } })),
      ...(config.exits ? [slimExits] : []),
    ],
  };
}

function wireFilter(filter: object): object {
  const { health_check, in_init_tree, ...rest } = filter as TetragonFilter;
  return {
    ...rest,
    ...(health_check !== undefined && { health_check: { value: health_check } }),
    ...(in_init_tree !== undefined && { in_init_tree: { value: in_init_tree } }),
  };
}
