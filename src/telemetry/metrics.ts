import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Summed in a plain number, and taken over by its counter at each scrape. */
export interface Tally {
  count: number;
}

/** One registry per Lanner, so that tests can run several in one process. */
export class Metrics {
  readonly registry = new Registry();

  constructor(options: { process?: boolean } = {}) {
    if (options.process ?? false) collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  /**
   * A counter for what happens with each finding: what prom-client does for each `inc` costs 1 µs. `of` gives the
   * number for some labels, to be asked for once.
   */
  tallied<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
  ): { counter: Counter<L>; of(labels: Record<L, string>): Tally } {
    const tallies: { labels: Record<L, string>; tally: Tally }[] = [];
    const counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        for (const { labels, tally } of tallies) {
          if (tally.count > 0) counter.inc(labels, tally.count);
          tally.count = 0;
        }
      },
    });
    const of = (labels: Record<L, string>) => {
      const tally = { count: 0 };
      tallies.push({ labels, tally });
      return tally;
    };
    return { counter, of };
  }

  gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
