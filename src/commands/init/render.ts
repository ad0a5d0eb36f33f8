import type { Plan, PlannedSource } from './plan.ts';

/** The configuration as YAML with its reasons as comments. `webhook`: LANNER_WEBHOOK_URL is set, so it is used. */
export function renderConfig(plan: Plan & { source: PlannedSource }, webhook: boolean): string {
  const { source, spare, runtimes } = plan;
  return [
    '# Written by `lanner init`, from what it found on this host. Try it: `lanner check FILE`, `lanner doctor -c FILE`,',
    '# `lanner run -c FILE`. Every key: deploy/reference/configuration.md of the package.',
    'version: 1',
    '',
    'sources:',
    ...sourceLines(source),
    ...(spare === undefined
      ? []
      : [
          '  # Also here. Both would tell each finding twice; take this one if you leave the other out:',
          ...sourceLines(spare).map((line) => `  # ${line.replace(/^ {2}(# )?/, '')}`),
        ]),
    '',
    'sinks:',
    ...(webhook ? webhookLines : stdoutLines),
    '',
    'route:',
    `  sinks: [${webhook ? 'ops' : 'terminal'}]`,
    '  min_severity: low',
    '',
    ...enrichLines(plan, runtimes),
    '',
    '# A program of our own every five minutes (`node --version` with a random mark) that the sensor must report: a',
    '# sensor that has gone blind looks like peace.',
    ...(source.type.startsWith('falco')
      ? ["# Falco reports it by the rule Lanner Canary of Lanner's rules."]
      : []),
    ...(source.canary ? [] : ["# Off, since the export file's filters may leave it out."]),
    'canary:',
    `  enabled: ${source.canary}`,
    '',
    '# Health and metrics: http://127.0.0.1:2114/healthz, /readyz, /metrics.',
    '# Deliveries wait on disk until they arrive: /var/lib/lanner, or the state home of a user who is not root.',
    '# state_dir: /var/lib/lanner',
    '',
  ].join('\n');
}

function sourceLines({ name, type, why, keys }: PlannedSource): string[] {
  return [
    ...why.map((line) => `  # ${line}`),
    `  ${name}:`,
    `    type: ${type}`,
    ...keys.map(([key, value]) => `    ${key}: ${value}`),
  ];
}

const webhookLines = [
  '  ops:',
  '    type: webhook',
  '    # From the environment; where a file suits better: url_file: /etc/lanner/webhook-url',
  `    url: ${'${LANNER_WEBHOOK_URL}'}`,
  '    # auth: {bearer: "${LANNER_WEBHOOK_TOKEN}"}',
];

const stdoutLines = [
  '  # JSON lines on standard output, so that it runs at once. For a webhook, set LANNER_WEBHOOK_URL in the environment,',
  '  # take the lines below, and name `ops` under route.',
  '  terminal:',
  '    type: stdout',
  ...webhookLines.map((line) => `  # ${line.slice(2)}`),
];

function enrichLines({ kubernetes }: Plan, runtimes: Plan['runtimes']): string[] {
  const found = runtimes.map(({ socket }) => socket).join(', ');
  return [
    ...(runtimes.length === 0
      ? [
          '# No container runtime was found in the usual places: findings carry only what the sensor tells of an image.',
        ]
      : [
          `# Image and container facts are asked of what was found here: ${found}. A runtime's socket is root on the host.`,
        ]),
    ...(kubernetes
      ? [
          '# This looks like a Kubernetes node: deploy/helm runs Lanner as a DaemonSet and asks the API server.',
        ]
      : []),
    'enrich:',
    '  runtimes: auto',
  ];
}
