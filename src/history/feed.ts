import type { HistoryFilter, HistoryRecord } from '../model/history.ts';

/** What is kept, told to whoever listens at the moment it is made: `lanner tail`. */
export interface Feed {
  /** Nobody listens: records need not be made for it. */
  readonly isIdle: boolean;
  readonly listeners: number;
  publish(record: HistoryRecord, missed: boolean): void;
  /** `hear` gets the JSON of each that fits; the result ends it. */
  listen(filter: HistoryFilter, hear: (payload: string) => void): () => void;
}

export function openFeed(): Feed {
  const listeners = new Set<(record: HistoryRecord, missed: boolean) => void>();
  return {
    get isIdle() {
      return listeners.size === 0;
    },
    get listeners() {
      return listeners.size;
    },
    publish(record, missed) {
      for (const hear of listeners) hear(record, missed);
    },
    listen(filter, hear) {
      const fits = matcherOf(filter);
      const listener = (record: HistoryRecord, missed: boolean) => {
        if (missed === (filter.missed === true) && fits(record)) hear(record.payload);
      };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The same decision as the query of the store makes. What is new has no label. */
export function matcherOf(filter: HistoryFilter): (record: HistoryRecord) => boolean {
  const { since, until, severities, tool, namespace, workload, indicator, exception, hidden, label } = filter;
  const image = filter.image === undefined ? undefined : imagePattern(filter.image);
  const same = <T>(wanted: T | undefined, is: T | undefined) => wanted === undefined || wanted === is;
  return (record) =>
    (since === undefined || record.time >= since) &&
    (until === undefined || record.time < until) &&
    (severities === undefined || severities.includes(record.severity)) &&
    same(tool, record.tool) &&
    same(namespace, record.namespace) &&
    same(workload, record.workload) &&
    (image === undefined || image.test(`\n${record.image ?? ''}\n`)) &&
    (indicator === undefined || record.indicators.includes(indicator)) &&
    (exception === undefined || record.exceptions.includes(exception)) &&
    same(hidden, record.hidden) &&
    label === undefined;
}

/** Only the star is special. */
function imagePattern(text: string): RegExp {
  const escaped = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`\\n${escaped.join('[^]*')}\\n`);
}
