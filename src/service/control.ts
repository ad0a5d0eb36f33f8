import type { Deliverer } from '../deliver/dispatcher.ts';
import { controlRunning } from '../deliver/spool-control.ts';
import type { Feed } from '../history/feed.ts';
import { type ControlHandlers, LiveAnswer } from '../http/control.ts';
import { LannerError } from '../lib/errors.ts';
import type { HistoryFilter, HistoryStore, Label } from '../model/history.ts';
import type { ReloadReport } from './reload.ts';

/** What `lanner history` asks of a running Lanner. */
export interface HistoryQuestion {
  filter: HistoryFilter;
  page: { newest: boolean; limit: number; from?: number };
}

/** What commands may ask of a running Lanner. `written` is fulfilled when the history has all that was told so far. */
export function controlHandlers(
  deliverer: Deliverer,
  history: HistoryStore | undefined,
  written: () => Promise<void>,
  reload: (cause: 'command') => Promise<ReloadReport>,
): ControlHandlers {
  const spool = controlRunning(deliverer.admin);
  return {
    spool_list: spool.list,
    spool_show: spool.show,
    spool_retry: spool.retry,
    spool_drop: spool.drop,
    sink_unblock: ({ sink }: { sink: string }) => deliverer.admin.unblock(sink),
    status: () => deliverer.status(),
    reload: () => reload('command'),
    ...(history !== undefined && {
      history_query: ({ filter, page }: HistoryQuestion) =>
        written().then(() => history.queryHistory(filter, page)),
      history_get: ({ id }: { id: string }) => written().then(() => history.getHistory(id)),
      history_label: ({ id, label }: { id: string; label: Label }) =>
        written().then(() => history.labelHistory(id, label)),
    }),
  };
}

/** Each costs a buffer of at most 2 MiB. */
const mostListeners = 16;

/** Findings as they are made, for `lanner tail`. */
export function tailHandler(
  feed: Feed,
  about: { listeners(count: number): void; dropped(count: number): void },
): ControlHandlers {
  return {
    history_tail({ filter }: { filter: HistoryFilter }) {
      if (feed.listeners >= mostListeners)
        throw new LannerError(
          'control_busy',
          `${feed.listeners} commands listen to this Lanner already`,
          'End one of them.',
        );
      return new LiveAnswer((send) => {
        const end = feed.listen(filter, send);
        about.listeners(feed.listeners);
        return () => {
          end();
          about.listeners(feed.listeners);
        };
      }, about.dropped);
    },
  };
}
