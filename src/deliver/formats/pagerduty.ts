import type { Parcel } from '../../model/delivery.ts';
import type { Severity } from '../../model/finding.ts';
import { digestId } from '../delivery-id.ts';
import { shorten } from './compact.ts';
import { type Format, type Rendered, relayed } from './format.ts';
import { lannerBody } from './lanner.ts';
import { storyFor } from './story.ts';

/** Limits of the Events API v2. */
const limits = { summary: 1_024, source: 255, dedup_key: 255, event: 512_000 };

const severityWords: Record<Severity, string> = {
  none: 'info',
  info: 'info',
  low: 'info',
  medium: 'warning',
  high: 'error',
  critical: 'critical',
};

/**
 * PagerDuty Events API v2. The dedup key is the group's where findings are grouped, else the finding's, so that
 * a further revision updates the same alert; the end of a status notice resolves it.
 */
export function pagerdutyFormat(routing_key: () => string, page_url?: string): Format {
  return {
    name: 'pagerduty',
    batches: false,
    render(parcel, options): Rendered {
      if ('relay' in parcel) return relayed(parcel.relay);
      const content_type = 'application/json; charset=utf-8';
      const body = JSON.stringify(eventOf(parcel, routing_key(), page_url, options?.compact ?? false));
      if (Buffer.byteLength(body) <= limits.event) return { body, content_type };
      return { body: JSON.stringify(eventOf(parcel, routing_key(), page_url, true)), content_type };
    },
  };
}

function eventOf(
  parcel: Exclude<Parcel, { relay: unknown }>,
  routing_key: string,
  page_url: string | undefined,
  compact: boolean,
): object {
  const delivery = 'batch' in parcel ? parcel.batch[0]! : parcel;
  const story = storyFor(delivery, page_url);
  const ended = 'notice' in delivery && delivery.notice.state === 'ended';
  const details: Record<string, unknown> = {
    ...Object.fromEntries(
      story.facts.map(([name, value]) => [name.toLowerCase().replaceAll('&', ''), value]),
    ),
    why: story.why,
    ancestors: story.tree,
    next_steps: story.steps.map(({ text, command }) => (command === undefined ? text : `${text} ${command}`)),
    ...(compact ? {} : { body: lannerBody(delivery, { compact: true }) }),
  };
  const exec = 'finding' in delivery ? delivery.finding.exec : undefined;
  const source = exec?.pod ? `${exec.pod.namespace}/${exec.pod.name}` : (exec?.node ?? 'lanner');
  return {
    routing_key,
    event_action: ended ? 'resolve' : 'trigger',
    dedup_key: dedupKey(delivery),
    client: 'Lanner',
    ...(story.link === undefined
      ? {}
      : { client_url: story.link, links: [{ href: story.link, text: 'Open in Lanner' }] }),
    payload: {
      summary: shorten(`${story.test ? '[TEST] ' : ''}${story.headline}`, limits.summary),
      source: shorten(source, limits.source),
      severity: severityWords[story.severity],
      timestamp: exec?.time ?? ('notice' in delivery ? delivery.notice.started : undefined),
      ...(exec?.pod?.workload === undefined ? {} : { component: exec.pod.workload }),
      ...(exec?.cluster === undefined ? {} : { group: exec.cluster }),
      class: 'finding' in delivery ? (delivery.finding.category ?? 'network tool') : 'lanner status',
      custom_details: details,
    },
  };
}

function dedupKey(delivery: Exclude<Parcel, { relay: unknown } | { batch: unknown }>): string {
  const key = 'notice' in delivery ? delivery.notice.id : (delivery.group?.key ?? delivery.finding.id);
  return key.length <= limits.dedup_key ? key : digestId(key);
}
