import type { SourceCounts } from '../../model/intake.ts';

/** Reads what Falco says of events it lost itself. */
export interface LossReports {
  /** The fields of a message of source "internal". */
  read(fields: ReadonlyMap<string, string>): void;
}

/**
 * Falco tells of losses in two ways, both optional: "syscall event drop" (drops of the last second, at a limited
 * rate) and "metrics snapshot" (totals since Falco's start). They speak of the same drops, so the larger sum
 * counts; drops of its own output queue stand only in the snapshot and are added. Totals that fell mean that
 * Falco was restarted.
 */
export function openLossReports(counts: SourceCounts): LossReports {
  let fromDrops = 0;
  let fromSnapshots = 0;
  let queue = 0;
  let told = 0;
  const kernelTotal = openTotal();
  const queueTotal = openTotal();

  function add(): void {
    const lost = Math.max(fromDrops, fromSnapshots) + queue;
    if (lost <= told) return;
    counts.sensor_lost_events += lost - told;
    counts.sensor_loss_reports += 1;
    told = lost;
  }

  return {
    read(fields) {
      fromDrops += natural(fields.get('n_drops'));
      fromSnapshots += kernelTotal(fields.get('scap.n_drops'));
      queue += queueTotal(fields.get('falco.outputs_queue_num_drops'));
      add();
    },
  };
}

/** Turns a running total into what was added since the last look; what stood at the first look is not ours. */
function openTotal(): (text: string | undefined) => number {
  let last: number | undefined;
  return (text) => {
    if (text === undefined) return 0;
    const total = natural(text);
    const added = last === undefined ? 0 : total < last ? total : total - last;
    last = total;
    return added;
  };
}

function natural(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
