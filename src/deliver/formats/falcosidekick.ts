import { createHash } from 'node:crypto';
import type { Delivery, Notice } from '../../model/delivery.ts';
import type { Severity } from '../../model/finding.ts';
import { compactFinding } from './compact.ts';
import { type Format, relayed } from './format.ts';
import { commandLine } from './story.ts';

const priorities: Record<Severity, string> = {
  none: 'Debug',
  info: 'Informational',
  low: 'Notice',
  medium: 'Warning',
  high: 'Error',
  critical: 'Critical',
};

/**
 * The body of falcosidekick's webhook, so that receivers written for it work unchanged: one finding each, all
 * values of output_fields are texts or numbers, the uuid stays the same for the same finding.
 */
export function falcosidekickFormat(): Format {
  return {
    name: 'falcosidekick',
    batches: false,
    render(parcel, options) {
      if ('relay' in parcel) return relayed(parcel.relay);
      const body =
        'notice' in parcel
          ? noticeBody(parcel.notice)
          : findingBody(firstOf(parcel), options?.compact ?? false);
      return {
        body: JSON.stringify(body),
        content_type: 'application/json; charset=utf-8',
        headers: { 'user-agent': 'Falcosidekick' },
      };
    },
  };
}

function firstOf(parcel: Delivery | { batch: Delivery[] }): Delivery {
  const delivery = 'batch' in parcel ? parcel.batch[0] : parcel;
  if (!delivery) throw new Error('a batch has at least one delivery');
  return delivery;
}

function findingBody(delivery: Delivery, compact: boolean): object {
  const finding = compact ? compactFinding(delivery.finding) : delivery.finding;
  const { exec } = finding;
  const { process, pod, image, container } = exec;
  const [parent] = exec.ancestors;
  const fields: Record<string, string | number | undefined> = {
    'proc.name': process.comm ?? process.argv[0]?.split('/').at(-1),
    'proc.exepath': process.binary ?? process.exe,
    'proc.cmdline': commandLine(process.argv, process.arguments),
    'proc.cwd': process.cwd,
    'proc.pid': process.pid,
    'proc.pname': parent?.argv[0]?.split('/').at(-1),
    'proc.pcmdline': parent && commandLine(parent.argv, parent.arguments),
    'user.name': process.user,
    'user.uid': process.uid,
    'container.id': container?.id.slice(0, 12),
    'container.name': container?.name,
    'container.image.repository': image?.repository,
    'container.image.tag': image?.tag,
    'container.image.digest': image?.digest?.split('@').at(-1),
    'k8s.ns.name': pod?.namespace,
    'k8s.pod.name': pod?.name,
    'evt.time.iso8601': exec.time,
    'lanner.finding': finding.id,
    'lanner.severity': finding.severity,
    'lanner.score': finding.score,
    'lanner.tool': finding.tool,
    'lanner.category': finding.category,
    'lanner.indicators': finding.indicators.map((indicator) => indicator.id).join(','),
    'lanner.why': finding.why.join('; '),
    'lanner.count': delivery.group?.count,
  };
  const tags = [
    'lanner',
    'container',
    ...finding.mitre,
    ...(finding.category === undefined ? [] : [finding.category]),
  ];
  return {
    uuid: stableUuid(`${finding.id}:${finding.revision}`),
    output: `${finding.title} | ${commandLine(process.argv, process.arguments)} | ${finding.why.join('; ')}`,
    priority: priorities[finding.severity],
    rule:
      finding.tool === undefined
        ? 'Suspicious program in container'
        : `Network tool in container: ${finding.tool}`,
    time: exec.time,
    output_fields: Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''),
    ),
    source: 'syscall',
    tags: [...new Set(tags)].sort(),
    ...(exec.node === undefined ? {} : { hostname: exec.node }),
  };
}

function noticeBody(notice: Notice): object {
  return {
    uuid: stableUuid(`${notice.id}:${notice.state}`),
    output: `${notice.title}: ${notice.detail}`,
    priority: priorities[notice.severity],
    rule: `Lanner status: ${notice.kind}`,
    time: notice.ended ?? notice.started,
    output_fields: {
      'lanner.kind': notice.kind,
      'lanner.state': notice.state,
      'lanner.subject': notice.subject,
    },
    source: 'internal',
    tags: ['lanner', 'status'],
  };
}

/** In the form of a version 4 uuid, which receivers check for, and the same for the same text. */
function stableUuid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
