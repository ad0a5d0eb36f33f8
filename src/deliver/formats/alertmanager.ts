import type { Delivery, NoticeDelivery } from '../../model/delivery.ts';
import { shorten } from './compact.ts';
import { type Format, relayed } from './format.ts';
import { noticeStory, storyOf } from './story.ts';

export interface AlertmanagerOptions {
  /** Further labels of every alert. */
  labels: Record<string, string>;
  /** After this an alert counts as resolved if it is not sent again. */
  resolve_after_ms: number;
  page_url?: string | undefined;
  now: () => number;
}

/**
 * Alertmanager's API v2. What many findings share stands in labels, so that its grouping and silences work;
 * what is different each time (pod, process, arguments) stands in annotations.
 */
export function alertmanagerFormat(options: AlertmanagerOptions): Format {
  return {
    name: 'alertmanager',
    batches: true,
    render(parcel) {
      if ('relay' in parcel) return relayed(parcel.relay);
      const all = 'batch' in parcel ? parcel.batch : [parcel];
      return {
        body: JSON.stringify(all.map((each) => alertOf(each, options))),
        content_type: 'application/json',
      };
    },
  };
}

function alertOf(delivery: Delivery | NoticeDelivery, options: AlertmanagerOptions): object {
  return 'notice' in delivery ? noticeAlert(delivery, options) : findingAlert(delivery, options);
}

function findingAlert(
  delivery: Delivery,
  { labels, resolve_after_ms, page_url, now }: AlertmanagerOptions,
): object {
  const { finding, group } = delivery;
  const { exec } = finding;
  const story = storyOf(delivery, page_url);
  return {
    labels: present({
      alertname: 'LannerFinding',
      severity: finding.severity,
      tool: finding.tool,
      category: finding.category,
      indicators: finding.indicators
        .map((indicator) => indicator.id)
        .sort()
        .join(','),
      cluster: exec.cluster,
      namespace: exec.pod?.namespace,
      workload: exec.pod?.workload,
      container: exec.container?.name,
      image: exec.image?.repository,
      ...(finding.test ? { test: 'true' } : {}),
      ...labels,
    }),
    annotations: present({
      summary: story.headline,
      description: story.why.join('\n'),
      command: story.facts.find(([name]) => name === 'Command')?.[1],
      ancestors: story.tree.join('\n'),
      next_steps: story.steps
        .map(({ text, command }) => (command === undefined ? text : `${text}\n  ${command}`))
        .join('\n'),
      pod: exec.pod?.name,
      node: exec.node,
      container_id: exec.container?.id,
      image_reference: exec.image?.reference,
      finding_id: finding.id,
      count: group ? String(group.count) : undefined,
    }),
    startsAt: finding.time,
    // From the attempt on, not from the finding: one that comes late would else be over before it is seen.
    endsAt: new Date(now() + resolve_after_ms).toISOString(),
    ...(story.link === undefined ? {} : { generatorURL: story.link }),
  };
}

function noticeAlert(
  { notice }: NoticeDelivery,
  { labels, resolve_after_ms, now }: AlertmanagerOptions,
): object {
  return {
    labels: present({
      alertname: 'LannerStatus',
      severity: notice.severity,
      kind: notice.kind,
      subject: notice.subject,
      ...labels,
    }),
    annotations: present({ summary: noticeStory(notice).headline, description: notice.detail }),
    startsAt: notice.started,
    endsAt: notice.ended ?? new Date(now() + Math.max(resolve_after_ms, 86_400_000)).toISOString(),
  };
}

/** Alertmanager refuses empty labels; long texts would fill its pages. */
function present(values: Record<string, string | undefined>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && value !== '') kept[name] = shorten(value, 4_000);
  return kept;
}
