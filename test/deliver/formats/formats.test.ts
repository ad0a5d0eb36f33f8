import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertmanagerFormat } from '../../../src/deliver/formats/alertmanager.ts';
import { cloudeventsFormat } from '../../../src/deliver/formats/cloudevents.ts';
import { falcosidekickFormat } from '../../../src/deliver/formats/falcosidekick.ts';
import type { Format } from '../../../src/deliver/formats/format.ts';
import { lannerFormat } from '../../../src/deliver/formats/lanner.ts';
import { ocsfFormat } from '../../../src/deliver/formats/ocsf.ts';
import { pagerdutyFormat } from '../../../src/deliver/formats/pagerduty.ts';
import { slackFormat } from '../../../src/deliver/formats/slack.ts';
import { teamsFormat } from '../../../src/deliver/formats/teams.ts';
import { templateFormat } from '../../../src/deliver/formats/template.ts';
import type { Delivery, NoticeDelivery, Parcel } from '../../../src/model/delivery.ts';
import type { Finding } from '../../../src/model/finding.ts';
import { aFinding, findings } from '../../support/finding.ts';

const page = 'https://lanner.example';
const template = (name: string) =>
  templateFormat(
    readFileSync(new URL(`../../../deploy/templates/${name}.liquid`, import.meta.url), 'utf8'),
    'application/json',
    page,
  );
const now = Date.parse('2026-11-22T12:00:30Z');

const formats: Record<string, Format> = {
  lanner: lannerFormat(),
  cloudevents: cloudeventsFormat('structured'),
  cloudevents_binary: cloudeventsFormat('binary'),
  falcosidekick: falcosidekickFormat(),
  slack: slackFormat(page),
  teams: teamsFormat(page),
  pagerduty: pagerdutyFormat(() => 'R0UT1NGKEY', page),
  alertmanager: alertmanagerFormat({
    labels: { team: 'sec' },
    resolve_after_ms: 3_600_000,
    page_url: page,
    now: () => now,
  }),
  ocsf: ocsfFormat(),
  discord: template('discord'),
  'google-chat': template('google-chat'),
};

const single: Delivery = { id: 'f-1a2b3c:1:ops', sink: 'ops', finding: aFinding() };
const samples = findings(3, { severity: 'medium' }).map((finding, index) => ({
  ...finding,
  severity: index === 0 ? ('critical' as const) : finding.severity,
  title: `curl in shop/web-${index}`,
}));
const group: Delivery = {
  id: 'd_group',
  sink: 'ops',
  finding: samples[0]!,
  group: {
    key: 'route/prod ops {"namespace":"shop"}',
    kind: 'group',
    labels: { namespace: 'shop', tool: 'curl' },
    count: 412,
    by_severity: { critical: 1, medium: 411 },
    first: '2026-11-22T12:00:00.000Z',
    last: '2026-11-22T12:05:00.000Z',
    samples,
  },
};
const hostileText =
  '`<!channel>` <http://evil.example|click> [x](http://evil.example) *b* _i_ \u202e\u0007 "q" \'s\' & {{ 1 | json }} \u{1f600}'.repeat(
    20,
  );
const hostile: Delivery = {
  id: 'f-hostile:1:ops',
  sink: 'ops',
  finding: {
    ...aFinding({ id: 'f-hostile', title: hostileText, why: Array.from({ length: 30 }, () => hostileText) }),
    exec: {
      ...aFinding().exec,
      process: { ...aFinding().exec.process, argv: Array.from({ length: 200 }, () => hostileText) },
      ancestors: Array.from({ length: 40 }, () => ({
        ...aFinding().exec.ancestors[0]!,
        argv: [hostileText, '```'],
      })),
    },
  },
};
const bare: Delivery = {
  id: 'f-bare:1:ops',
  sink: 'ops',
  finding: {
    schema: 'lanner.finding/v1',
    id: 'f-bare',
    revision: 2,
    time: '2026-11-22T12:00:00.000000000Z',
    severity: 'low',
    score: 20,
    title: 'nc in a container',
    why: [],
    indicators: [],
    mitre: [],
    triage: [],
    exec: {
      id: 'e',
      time: '2026-11-22T12:00:00.000000000Z',
      sensor: 'falco',
      source: 'falco',
      container: { id: 'abcdef012345' },
      process: { argv: ['nc'], argv_quality: 'split', argv0_known: false, arguments: '-l 4444' },
      ancestors: [],
    },
  } satisfies Finding,
};
const notice = (state: 'started' | 'ended'): NoticeDelivery => ({
  id: `n-1:${state}:1:ops`,
  sink: 'ops',
  notice: {
    schema: 'lanner.notice/v1',
    id: 'source_down:tetragon:1795348800000',
    kind: 'source_down',
    state,
    severity: 'high',
    subject: 'tetragon',
    title: 'No events from tetragon',
    detail: 'nothing listens at unix:///var/run/tetragon/tetragon.sock',
    started: '2026-11-22T12:00:00.000Z',
    ...(state === 'ended' ? { ended: '2026-11-22T12:10:00.000Z' } : {}),
  },
});

const parcels: Record<string, Parcel> = {
  finding: single,
  group,
  bare,
  hostile,
  notice_started: notice('started'),
  notice_ended: notice('ended'),
};

describe.each(Object.entries(formats))('the format %s', (name, format) => {
  it.each(['finding', 'group', 'bare', 'notice_started', 'notice_ended'])(
    'of a %s is the golden body',
    async (kind) => {
      const { body, content_type, headers } = format.render(parcels[kind]!);
      const shown = {
        content_type,
        ...(headers ? { headers } : {}),
        body: JSON.parse(String(body)) as unknown,
      };
      await expect(`${JSON.stringify(shown, null, 2)}\n`).toMatchFileSnapshot(
        `../../fixtures/formats/${name}.${kind}.json`,
      );
    },
  );

  it('is the same bytes each time, so that a repeat is a repeat', () => {
    for (const parcel of Object.values(parcels)) {
      expect(String(format.render(parcel).body)).toBe(String(format.render(structuredClone(parcel)).body));
    }
  });

  it('passes a relayed body on byte by byte', () => {
    const bytes = Buffer.from([0xff, 0x00, 0x7b]);
    const { body, content_type } = format.render({
      id: 'r',
      sink: 'ops',
      relay: { body_base64: bytes.toString('base64'), content_type: 'application/json' },
    });
    expect(Buffer.from(body as Buffer)).toEqual(bytes);
    expect(content_type).toBe('application/json');
  });

  it('of a finding for a receiver that found it too large is no larger', () => {
    for (const parcel of [single, group, hostile]) {
      const full = Buffer.byteLength(format.render(parcel).body);
      expect(Buffer.byteLength(format.render(parcel, { compact: true }).body)).toBeLessThanOrEqual(full);
    }
  });
});

/** A finding whose every text is anything. */
const anyDelivery = fc
  .tuple(
    fc.string({ unit: 'binary', maxLength: 3_000 }),
    fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { maxLength: 30 }),
    fc.array(fc.string({ unit: 'grapheme', maxLength: 2_000 }), { maxLength: 20 }),
  )
  .map(([title, argv, why]): Delivery => {
    const finding = aFinding({ title, why });
    const { process, ancestors } = finding.exec;
    finding.exec = {
      ...finding.exec,
      process: { ...process, argv },
      ancestors: ancestors.map((each) => ({ ...each, argv })),
    };
    return { id: 'any', sink: 'ops', finding };
  });
const each = (check: (delivery: Delivery) => void) => {
  for (const delivery of [single, group, hostile, bare]) check(delivery);
  fc.assert(fc.property(anyDelivery, check), { numRuns: 60 });
};
const parsed = (format: Format, delivery: Delivery) =>
  JSON.parse(String(format.render(delivery).body)) as never;

describe('the limits of the vendors hold for anything', () => {
  interface SlackMessage {
    text: string;
    blocks: { type: string; text: { type: string; text: string } }[];
  }
  it('Slack: blocks, characters of each and of all, and no markup of the attacker', () => {
    each((delivery) => {
      const { text, blocks } = parsed(formats.slack!, delivery) as SlackMessage;
      expect(blocks.length).toBeLessThanOrEqual(50);
      expect(JSON.stringify(blocks).length).toBeLessThanOrEqual(13_200);
      for (const block of blocks) {
        expect(block.text.text.length).toBeLessThanOrEqual(block.type === 'header' ? 150 : 3_000);
        expect(block.text.text.length).toBeGreaterThan(0);
        if (block.type === 'header') continue;
        expect(
          block.text.text.replace(/^<https:\/\/lanner\.example\/[^|>]*\|Open in Lanner>$/, ''),
        ).not.toMatch(/[<>]/);
        expect((block.text.text.match(/```/g) ?? []).length % 2).toBe(0);
      }
      expect(text).not.toMatch(/[<>]/);
    });
  });

  it('Teams: 28 KB, and no markdown of the attacker', () => {
    each((delivery) => {
      const body = String(formats.teams!.render(delivery).body);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(28_000);
      const card = (
        JSON.parse(body) as {
          attachments: {
            content: { body: { type: string; text?: string; facts?: { value: string }[] }[] };
          }[];
        }
      ).attachments[0]!.content.body;
      const marked = card.flatMap((part) => [
        part.text ?? '',
        ...(part.facts ?? []).map((fact) => fact.value),
      ]);
      for (const text of marked) expect(text.replace(/\\./g, '')).not.toMatch(/[[\]()*_`]/);
    });
  });

  it('PagerDuty: summary, dedup key, size', () => {
    each((delivery) => {
      const body = String(formats.pagerduty!.render(delivery).body);
      const event = JSON.parse(body) as { dedup_key: string; payload: { summary: string; source: string } };
      expect(event.dedup_key.length).toBeLessThanOrEqual(255);
      expect(event.payload.summary.length).toBeLessThanOrEqual(1_024);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(512_000);
    });
  });

  it('Alertmanager: no empty label, and nothing in labels that is different each time', () => {
    each((delivery) => {
      const [alert] = parsed(formats.alertmanager!, delivery) as {
        labels: Record<string, string>;
        annotations: Record<string, string>;
      }[];
      for (const [name, value] of Object.entries(alert!.labels)) {
        expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
        expect(value).not.toBe('');
      }
      expect(Object.keys(alert!.labels)).not.toEqual(expect.arrayContaining(['pod']));
      // The same finding of another process: only the arguments and the pid differ, and no label with them.
      const { finding } = delivery;
      const process = { ...finding.exec.process, argv: ['other', 'arguments'], pid: 4_000_001 };
      const other = { ...delivery, finding: { ...finding, exec: { ...finding.exec, process } } };
      const [twin] = parsed(formats.alertmanager!, other) as { labels: Record<string, string> }[];
      expect(twin!.labels).toEqual(alert!.labels);
    });
  });

  it('falcosidekick: what its own check demands of a body', () => {
    each((delivery) => {
      const body = parsed(formats.falcosidekick!, delivery) as Record<string, unknown> & {
        output_fields: object;
        time: string;
      };
      expect(body.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(['Debug', 'Informational', 'Notice', 'Warning', 'Error', 'Critical']).toContain(body.priority);
      expect(body.rule).not.toBe('');
      expect(Date.parse(body.time)).toBeGreaterThan(0);
      expect(Object.keys(body.output_fields).length).toBeGreaterThan(0);
      for (const value of Object.values(body.output_fields))
        expect(['string', 'number']).toContain(typeof value);
    });
  });

  it('CloudEvents: headers that any server reads, events that any intermediary forwards', () => {
    each((delivery) => {
      const { headers, body } = formats.cloudevents_binary!.render(delivery);
      for (const [name, value] of Object.entries(headers ?? {})) {
        expect(name).toMatch(/^ce-[a-z0-9]+$/);
        expect(value).toMatch(/^[\x21\x23-\x7e]*$/);
      }
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(64 * 1024);
      expect(Buffer.byteLength(formats.cloudevents!.render(delivery).body)).toBeLessThanOrEqual(64 * 1024);
    });
  });

  it('Discord: title, description, fields and all together', () => {
    each((delivery) => {
      const { embeds } = parsed(formats.discord!, delivery) as {
        embeds: {
          title: string;
          description: string;
          color: number;
          fields: { name: string; value: string }[];
        }[];
      };
      const [embed] = embeds;
      expect(embed!.title.length).toBeLessThanOrEqual(256);
      expect(embed!.description.length).toBeLessThanOrEqual(4_096);
      expect(typeof embed!.color).toBe('number');
      expect(embed!.fields.length).toBeLessThanOrEqual(25);
      let sum = embed!.title.length + embed!.description.length;
      for (const { name, value } of embed!.fields) {
        expect(value.length).toBeLessThanOrEqual(1_024);
        expect(value.length).toBeGreaterThan(0);
        sum += name.length + value.length;
      }
      expect(sum).toBeLessThanOrEqual(6_000);
    });
  });
});

describe('a list that is cut', () => {
  const many = <T>(made: (index: number) => T) => Array.from({ length: 15 }, (_, index) => made(index));
  const finding = aFinding({
    why: many((index) => `reason ${index}`),
    triage: many((index) => ({ text: `step ${index}` })),
  });
  finding.exec = { ...finding.exec, ancestors: many(() => finding.exec.ancestors[0]!) };
  const bodyOf = (name: string) => String(formats[name]!.render({ ...single, finding }).body);

  it.each([
    // Reasons, ancestors (16 lines of the tree), steps.
    ['slack', ['… 5 more', '… 4 more', '… 7 more']],
    ['teams', ['… 7 more', '… 7 more']],
    ['discord', ['… 11 more']],
    ['google-chat', ['… 7 more']],
  ])('says so in %s', (name, marks) => {
    expect(bodyOf(name).match(/… \d+ more/g)).toEqual(marks);
  });
});

describe('a batch', () => {
  const batch = {
    id: 'd_1',
    sink: 'ops',
    batch: findings(3).map((finding) => ({ id: `${finding.id}:1:ops`, sink: 'ops', finding })),
  };
  it('is an array, or a line each, of what single findings are', () => {
    expect(JSON.parse(String(formats.lanner!.render(batch).body))).toEqual(findings(3));
    const { body, content_type } = lannerFormat('ndjson').render(batch);
    expect(content_type).toBe('application/x-ndjson');
    expect(
      String(body)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(findings(3));
    expect(JSON.parse(String(formats.cloudevents!.render(batch).body))).toHaveLength(3);
    expect(formats.cloudevents_binary!.render(batch).content_type).toMatch(/cloudevents-batch\+json/);
    expect(JSON.parse(String(formats.alertmanager!.render(batch).body))).toHaveLength(3);
    expect(JSON.parse(String(formats.ocsf!.render(batch).body))).toHaveLength(3);
  });
});

describe('a template', () => {
  const render =
    (text: string, type = 'application/json') =>
    () =>
      String(templateFormat(text, type).render(single).body);

  it('sees the finding, and writes it as JSON', () => {
    expect(render('{"text": {{ finding.title | append: "\\"" | json }}}')()).toBe(
      `{"text": ${JSON.stringify(`${single.finding.title}"`)}}`,
    );
  });

  it.each([
    ['is no Liquid', '{% if %}'],
    ['uses a filter that does not exist', '{{ finding.title | shout }}'],
  ])('that %s is refused', (_what, text) => {
    expect(() => templateFormat(text, 'text/plain').render(single)).toThrow();
  });

  it('that makes no JSON where it says so fails, and as plain text does not', () => {
    const text = '{"text": "{{ finding.title }} "quoted""}';
    expect(render(text)).toThrow();
    expect(render(text, 'text/plain')()).toContain('quoted');
  });

  it.each([
    ['reads a file', '{% include "/etc/passwd" %}'],
    ['renders a file', '{% render "../../../etc/passwd" %}'],
    ['runs for long', '{% for i in (1..100000000) %}{% for j in (1..100000000) %}x{% endfor %}{% endfor %}'],
  ])('that %s is stopped', (_what, text) => {
    expect(render(text, 'text/plain')).toThrow();
  });

  it('reaches nothing but what it is given', () => {
    expect(render('{{ finding.constructor }}{{ finding.__proto__ }}{{ process }}', 'text/plain')()).toBe('');
  });
});
