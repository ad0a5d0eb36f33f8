import type { Delivery, NoticeDelivery } from '../../model/delivery.ts';
import { type Format, type Rendered, relayed } from './format.ts';
import { lannerBody } from './lanner.ts';

/** Intermediaries must forward events up to 64 KiB; some forward no more. */
const maxBytes = 60_000;

interface CloudEvent {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject?: string;
  time: string;
  datacontenttype: 'application/json';
  severity: string;
  data: object;
}

/**
 * CloudEvents 1.0 over HTTP. `structured`: everything in the body; `binary`: attributes as headers, the finding
 * as body. Several findings are a batch in either mode. The id is the finding's with its revision, unique within
 * the source.
 */
export function cloudeventsFormat(mode: 'structured' | 'binary'): Format {
  return {
    name: 'cloudevents',
    batches: true,
    render(parcel, options) {
      if ('relay' in parcel) return relayed(parcel.relay);
      const compact = options?.compact ?? false;
      if ('batch' in parcel) {
        const events = parcel.batch.map((delivery) => eventOf(delivery, compact));
        return {
          body: JSON.stringify(events),
          content_type: 'application/cloudevents-batch+json; charset=utf-8',
        };
      }
      const event = eventOf(parcel, compact);
      return mode === 'structured' ? structured(event) : binary(event);
    },
  };
}

function eventOf(delivery: Delivery | NoticeDelivery, compact: boolean): CloudEvent {
  const full = lannerBody(delivery, { compact });
  const fits = compact || Buffer.byteLength(JSON.stringify(full)) <= maxBytes;
  const data = fits ? full : lannerBody(delivery, { compact: true });
  if ('notice' in delivery) {
    const { notice } = delivery;
    return {
      specversion: '1.0',
      id: `${notice.id}:${notice.state}`,
      source: '/lanner',
      type: 'lanner.notice.v1',
      subject: notice.subject,
      time: notice.ended ?? notice.started,
      datacontenttype: 'application/json',
      severity: notice.severity,
      data,
    };
  }
  const { finding } = delivery;
  const { pod, cluster, node, container } = finding.exec;
  const subject = pod ? `${pod.namespace}/${pod.name}` : container?.id;
  return {
    specversion: '1.0',
    id: `${finding.id}:${finding.revision}`,
    source: `/${['lanner', cluster, node]
      .filter((part) => part !== undefined)
      .map(encodeURIComponent)
      .join('/')}`,
    type: 'lanner.finding.v1',
    ...(subject === undefined ? {} : { subject }),
    time: finding.time,
    datacontenttype: 'application/json',
    severity: finding.severity,
    data,
  };
}

function structured(event: CloudEvent): Rendered {
  return { body: JSON.stringify(event), content_type: 'application/cloudevents+json; charset=utf-8' };
}

function binary(event: CloudEvent): Rendered {
  const { data, datacontenttype, ...attributes } = event;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) headers[`ce-${name}`] = headerValue(value);
  return { body: JSON.stringify(data), content_type: datacontenttype, headers };
}

/** As the HTTP binding says: space, quote, percent and what is not printable ASCII are percent-encoded. */
function headerValue(text: string): string {
  const encode = (character: string) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join('');
  return text.replace(/[^\x21\x23\x24\x26-\x7e]/gu, encode);
}
