import type { Deliverer } from '../deliver/dispatcher.ts';
import { controlRunning } from '../deliver/spool-control.ts';
import type { ControlHandlers } from '../http/control.ts';
import type { HistoryFilter, HistoryStore, Label } from '../model/history.ts';
import type { ReloadReport } from './reload.ts';

/** What `lanner history` asks of a running Lanner. */
export interface HistoryQuestion {
  filter: HistoryFilter;
  page: { newest: boolean; limit: number; from?: number };
}

/** What commands may ask of a running Lanner. */
export function controlHandlers(
  deliverer: Deliverer,
  history: HistoryStore | undefined,
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
      history_query: ({ filter, page }: HistoryQuestion) => history.queryHistory(filter, page),
      history_get: ({ id }: { id: string }) => history.getHistory(id),
      history_label: ({ id, label }: { id: string; label: Label }) => history.labelHistory(id, label),
    }),
  };
}
