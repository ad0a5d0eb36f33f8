// deploy/monitoring/dashboard.json: a Grafana dashboard over Lanner's metrics, written by `npm run deploy:render`.
// test/deploy/dashboard*.test.ts hold its queries against the reference and against promtool.

const datasource = { type: 'prometheus', uid: '${datasource}' };
const of = 'instance=~"$instance"';
const rate = (metric, by) => `sum by (${by}) (rate(${metric}{${of}}[$__rate_interval]))`;
const increase = (metric, by) => `sum by (${by}) (increase(${metric}{${of}}[$__rate_interval]))`;
const quantile = (share, metric, by) =>
  `histogram_quantile(${share}, sum by (le, ${by}) (rate(${metric}_bucket{${of}}[$__rate_interval])))`;

/** One query and what its line is called. */
const q = (expr, legend = '') => ({ expr, legend });

const rows = [
  [
    'Does it live?',
    stat('Lanners', 'short', 'Processes that answer Prometheus.', [q(`count(lanner_build_info{${of}})`)]),
    stat(
      'Sources down',
      'short',
      'Sensors that are not connected: their nodes are not watched.',
      [q(`count(lanner_source_up{${of}} == 0) or vector(0)`)],
      1,
    ),
    stat(
      'Blind sensors',
      'short',
      'Connected, and do not report a program that Lanner starts itself.',
      [q(`sum(lanner_canary_blind{${of}}) or vector(0)`)],
      1,
    ),
    stat(
      'Sinks blocked',
      'short',
      'Receivers that take nothing; findings wait on disk.',
      [q(`sum(max by (instance, sink) (lanner_sink_blocked{${of}})) or vector(0)`)],
      1,
    ),
    stat(
      'Oldest waiting',
      's',
      'Age of the oldest delivery that waits.',
      [q(`max(lanner_spool_oldest_seconds{${of}})`)],
      1800,
    ),
    stat(
      'Given up in all',
      'short',
      'Deliveries that became dead letters or were shed, in the time shown.',
      [
        q(
          `(sum(increase(lanner_deliveries_dead_total{${of}}[$__range])) or vector(0)) + (sum(increase(lanner_deliveries_shed_total{${of}}[$__range])) or vector(0))`,
        ),
      ],
      1,
    ),
    table('Versions', 'short', 'What runs where.', [q(`lanner_build_info{${of}}`)]),
  ],
  [
    'Findings',
    bars('Findings by severity', 'short', 'As told, after exceptions and folding.', [
      q(increase('lanner_findings_total', 'severity'), '{{severity}}'),
    ]),
    bars(
      'Findings by tool, the ten most frequent',
      'short',
      'Names of the taxonomy: deploy/reference/detection.md.',
      [q(`topk(10, ${increase('lanner_findings_total', 'tool')})`, '{{tool}}')],
    ),
    bars('Findings by category', 'short', 'Kind of the network utility.', [
      q(increase('lanner_findings_total', 'category'), '{{category}}'),
    ]),
    bars('Exceptions at work', 'short', 'Findings an exception hid, lowered or counted.', [
      q(increase('lanner_exception_hits_total', 'exception, mode'), '{{exception}} ({{mode}})'),
    ]),
    lines(
      'Exceptions that did not apply',
      'short',
      'They may have matched: a missing fact, a hard indicator, their expiry. Expired ones apply to nothing.',
      [
        q(increase('lanner_exception_not_applied_total', 'exception'), '{{exception}}'),
        q(`max(lanner_exceptions_expired{${of}})`, 'expired'),
      ],
    ),
    lines(
      'Routes that could not be decided',
      'short',
      'A fact was missing: the finding went to the sinks of the route above.',
      [q(increase('lanner_route_undecided_total', 'route'), '{{route}}')],
    ),
  ],
  [
    'Sensors',
    lines('Program starts', 'cps', 'As the sensor reports them, and those in containers.', [
      q(rate('lanner_source_execs_total', 'source'), '{{source}} all'),
      q(rate('lanner_source_container_execs_total', 'source'), '{{source}} in containers'),
    ]),
    lines(
      'Dismissed and judged',
      'cps',
      'Most end in the early test on bytes; the rest is decoded and judged.',
      [
        q(rate('lanner_source_early_rejected_total', 'source'), '{{source}} dismissed'),
        q(rate('lanner_source_judged_total', 'source'), '{{source}} judged'),
      ],
    ),
    lines('Messages', 'cps', 'Everything that arrived, readable or not.', [
      q(rate('lanner_source_messages_total', 'source'), '{{source}}'),
    ]),
    lines(
      'Other messages',
      'cps',
      'Ends, processes that ran before, execs that failed, other alerts, messages of Falco about itself.',
      [
        q(rate('lanner_source_exits_total', 'source'), '{{source}} ends'),
        q(rate('lanner_source_already_running_total', 'source'), '{{source}} already running'),
        q(rate('lanner_source_failed_execs_total', 'source'), '{{source}} failed'),
        q(rate('lanner_source_other_alerts_total', 'source'), '{{source}} other alerts'),
        q(rate('lanner_source_internal_total', 'source'), '{{source}} internal'),
      ],
    ),
    bars(
      'Dropped before the judgement',
      'short',
      'Full queue, unreadable or oversized messages. Each is a start that nobody judged.',
      [q(increase('lanner_source_dropped_total', 'source, reason'), '{{source}} {{reason}}')],
    ),
    bars('Lost in the sensor', 'short', 'Events the sensor says it lost, and how often it said so.', [
      q(increase('lanner_source_sensor_lost_events_total', 'source'), '{{source}} events'),
      q(increase('lanner_source_loss_reports_total', 'source'), '{{source}} reports'),
    ]),
    lines('Time without a connection', 's', 'What happened then was not seen; counted when a gap ends.', [
      q(increase('lanner_source_gap_seconds_total', 'source'), '{{source}}'),
    ]),
    lines('Connections', 'short', 'Opened and lost.', [
      q(increase('lanner_source_connects_total', 'source'), '{{source}} opened'),
      q(increase('lanner_source_disconnects_total', 'source'), '{{source}} lost'),
    ]),
    lines('Queue before the judgement', 'short', 'Messages that wait. At its bound the newest is dropped.', [
      q(`sum by (instance) (lanner_queue_messages{${of}})`, '{{instance}}'),
    ]),
    lines(
      'Canary: start to report',
      's',
      'How long the sensor takes to report a program that Lanner starts itself.',
      [q(quantile(0.95, 'lanner_canary_delay_seconds', 'source'), '{{source}} p95')],
    ),
    bars(
      'Canaries by outcome',
      'short',
      'Missed ones are blindness; skipped while the source is not connected.',
      [q(increase('lanner_canary_total', 'source, outcome'), '{{source}} {{outcome}}')],
    ),
  ],
  [
    'Delivery',
    lines('Deliveries', 'cps', 'Accepted is on disk; delivered has arrived.', [
      q(rate('lanner_deliveries_accepted_total', 'sink'), '{{sink}} accepted'),
      q(rate('lanner_deliveries_delivered_total', 'sink'), '{{sink}} delivered'),
    ]),
    lines('Waiting', 'short', 'Deliveries on disk that have not arrived.', [
      q(`sum by (sink) (lanner_deliveries_waiting{${of}})`, '{{sink}} waiting'),
      q(`sum by (sink) (lanner_deliveries_in_flight{${of}})`, '{{sink}} under way'),
    ]),
    bars('Attempts by outcome', 'short', 'With the reason where one failed.', [
      q(
        increase('lanner_delivery_attempts_total', 'sink, outcome, reason'),
        '{{sink}} {{outcome}} {{reason}}',
      ),
    ]),
    lines('How long attempts take', 's', 'Of the receiver: p50 and p95.', [
      q(quantile(0.5, 'lanner_delivery_attempt_seconds', 'sink'), '{{sink}} p50'),
      q(quantile(0.95, 'lanner_delivery_attempt_seconds', 'sink'), '{{sink}} p95'),
    ]),
    lines('From accepted to delivered', 's', 'What a responder waits for: p95.', [
      q(quantile(0.95, 'lanner_delivery_delay_seconds', 'sink'), '{{sink}} p95'),
    ]),
    bars('Given up', 'short', 'Dead letters are kept and can be retried; shed deliveries are gone.', [
      q(increase('lanner_deliveries_dead_total', 'sink, reason'), '{{sink}} dead: {{reason}}'),
      q(
        increase('lanner_deliveries_shed_total', 'sink, reason, severity'),
        '{{sink}} shed: {{reason}}, {{severity}}',
      ),
    ]),
    lines('Spool', 'bytes', 'Size of what waits.', [
      q(`sum by (instance) (lanner_spool_bytes{${of}})`, '{{instance}}'),
    ]),
    lines(
      'Spool in trouble',
      'short',
      '1 while deliveries are in memory only; stores that were moved aside; deliveries of a former run.',
      [
        q(`max by (instance) (lanner_spool_degraded{${of}})`, '{{instance}} memory only'),
        q(increase('lanner_spool_set_aside_total', 'instance'), '{{instance}} set aside'),
        q(increase('lanner_deliveries_recovered_total', 'sink'), '{{sink}} taken over'),
      ],
    ),
    lines('Falco answered late', 'cps', 'Posts of Falco that were answered before delivery had accepted.', [
      q(rate('lanner_source_late_answers_total', 'source'), '{{source}}'),
    ]),
  ],
  [
    'Enrichment and history',
    lines('Questions to runtimes and Kubernetes', 'cps', 'By outcome.', [
      q(rate('lanner_enrich_lookups_total', 'source, outcome'), '{{source}} {{outcome}}'),
    ]),
    lines('How long a question takes', 's', 'Of a runtime or the API server: p95.', [
      q(quantile(0.95, 'lanner_enrich_lookup_seconds', 'source'), '{{source}} p95'),
    ]),
    lines('Answered from memory', 'percentunit', 'Share of events that needed no question.', [
      q(
        `sum(rate(lanner_enrich_cache_total{${of}, result="hit"}[$__rate_interval])) / sum(rate(lanner_enrich_cache_total{${of}}[$__rate_interval]))`,
        'hits',
      ),
    ]),
    bars('Facts that were not known', 'short', 'When the finding left, by reason.', [
      q(increase('lanner_enrich_unknown_total', 'fact, reason'), '{{fact}}: {{reason}}'),
    ]),
    lines('Sources of facts', 'short', '0: cannot be asked. Left alone: slow or failing, for a while.', [
      q(`min by (source, name) (lanner_enrich_source_up{${of}})`, '{{source}} {{name}} up'),
      q(`max by (source) (lanner_enrich_breaker_open{${of}})`, '{{source}} left alone'),
    ]),
    lines(
      'History',
      'short',
      'Findings kept, forgotten at its bounds, and left out in trouble; execs that named a tool and stayed quiet.',
      [
        q(increase('lanner_history_kept_total', 'instance'), '{{instance}} kept'),
        q(increase('lanner_history_forgotten_total', 'instance'), '{{instance}} forgotten'),
        q(increase('lanner_history_misses_total', 'instance'), '{{instance}} quiet ones kept'),
        q(increase('lanner_history_left_out_total', 'reason'), 'left out: {{reason}}'),
      ],
    ),
  ],
  [
    'The process',
    lines(
      'Configuration',
      'short',
      'In force: 0 while one was refused and an older one is used. Waiting: keys that want a restart.',
      [
        q(`min by (instance) (lanner_config_last_reload_successful{${of}})`, '{{instance}} in force'),
        q(`max by (instance) (lanner_config_restart_needed{${of}})`, '{{instance}} waiting for a restart'),
        q(increase('lanner_config_reloads_total', 'outcome'), '{{outcome}}'),
      ],
    ),
    lines('CPU', 'percentunit', 'Of one core.', [
      q(`rate(process_cpu_seconds_total{job="lanner", ${of}}[$__rate_interval])`, '{{instance}}'),
    ]),
    lines('Memory', 'bytes', 'Resident, and of it the heap.', [
      q(`process_resident_memory_bytes{job="lanner", ${of}}`, '{{instance}} resident'),
      q(`nodejs_heap_size_used_bytes{job="lanner", ${of}}`, '{{instance}} heap'),
    ]),
    lines('Event loop lag', 's', 'p99. Above half a second the node does more than Lanner gets CPU for.', [
      q(`nodejs_eventloop_lag_p99_seconds{job="lanner", ${of}}`, '{{instance}}'),
    ]),
  ],
];

function panel(type, title, unit, description, queries, more) {
  return {
    type,
    title,
    description,
    datasource,
    targets: queries.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource,
      expr,
      legendFormat: legend === '' ? '__auto' : legend,
      ...more.target,
    })),
    fieldConfig: { defaults: { unit, ...more.defaults }, overrides: [] },
    options: more.options,
    ...more.panel,
  };
}

/** One number; from `red` on it is red. */
function stat(title, unit, description, queries, red) {
  const steps = [
    { color: 'green', value: null },
    ...(red === undefined ? [] : [{ color: 'red', value: red }]),
  ];
  return panel('stat', title, unit, description, queries, {
    target: { instant: true },
    defaults: { thresholds: { mode: 'absolute', steps } },
    options: {
      reduceOptions: { calcs: ['lastNotNull'] },
      colorMode: red === undefined ? 'none' : 'background',
    },
  });
}

function lines(title, unit, description, queries) {
  return series(title, unit, description, queries, { drawStyle: 'line', fillOpacity: 5 });
}

/** Counts in a time, stacked. */
function bars(title, unit, description, queries) {
  return series(title, unit, description, queries, {
    drawStyle: 'bars',
    fillOpacity: 80,
    lineWidth: 0,
    stacking: { mode: 'normal', group: 'A' },
  });
}

function series(title, unit, description, queries, custom) {
  return panel('timeseries', title, unit, description, queries, {
    defaults: { min: 0, custom },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  });
}

function table(title, unit, description, queries) {
  const hidden = Object.fromEntries(['Time', 'Value', '__name__', 'job'].map((name) => [name, true]));
  return panel('table', title, unit, description, queries, {
    target: { instant: true, format: 'table' },
    options: { showHeader: true },
    panel: { transformations: [{ id: 'organize', options: { excludeByName: hidden } }] },
  });
}

/** Rows one below the other; panels three abreast, small ones eight. */
function laidOut() {
  const panels = [];
  let y = 0;
  const add = (one, gridPos) => panels.push({ id: panels.length + 1, ...one, gridPos });
  for (const [title, ...inRow] of rows) {
    add({ type: 'row', title, collapsed: false, panels: [] }, { x: 0, y, w: 24, h: 1 });
    y += 1;
    let x = 0;
    let height = 0;
    for (const one of inRow) {
      const [w, h] = one.type === 'stat' ? [3, 4] : one.type === 'table' ? [6, 4] : [8, 8];
      if (x + w > 24) {
        x = 0;
        y += height;
      }
      add(one, { x, y, w, h });
      x += w;
      height = h;
    }
    y += height;
  }
  return panels;
}

/** The text of dashboard.json. */
export function dashboard() {
  const variable = (name, rest) => ({ name, hide: 0, refresh: 2, ...rest });
  return `${JSON.stringify(
    {
      uid: 'lanner',
      title: 'Lanner',
      description:
        'Written by npm run deploy:render (.ci/dashboard.mjs). What to do about what it shows: runbook.md.',
      tags: ['lanner', 'security'],
      schemaVersion: 39,
      version: 1,
      editable: true,
      graphTooltip: 1,
      refresh: '1m',
      time: { from: 'now-6h', to: 'now' },
      timezone: 'browser',
      templating: {
        list: [
          variable('datasource', {
            type: 'datasource',
            query: 'prometheus',
            label: 'Prometheus',
          }),
          variable('instance', {
            type: 'query',
            label: 'Lanner',
            datasource,
            query: { query: 'label_values(lanner_build_info, instance)', refId: 'instance' },
            includeAll: true,
            allValue: '.*',
            multi: true,
            sort: 1,
            current: { text: ['All'], value: ['$__all'] },
          }),
        ],
      },
      annotations: { list: [] },
      links: [],
      panels: laidOut(),
    },
    null,
    1,
  )}\n`;
}
