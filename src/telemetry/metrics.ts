import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** One registry per Lanner, so that tests can run several in one process. */
export class Metrics {
  readonly registry = new Registry();

  constructor(options: { process?: boolean } = {}) {
    if (options.process ?? false) collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
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

  /** A counter for places where many findings pass: counted in maps, and told when it is asked for. */
  tally<L extends string>(
    name: string,
    help: string,
    [first, second]: readonly [L, L?],
  ): (first: string, second?: string) => void {
    const counts = new Map<string, Map<string, number>>();
    new Counter({
      name,
      help,
      labelNames: second === undefined ? [first] : [first, second],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [one, inner] of counts)
          for (const [other, count] of inner)
            this.inc({ [first]: one, ...(second && { [second]: other }) } as Record<L, string>, count);
      },
    });
    return (one, other = '') => {
      let inner = counts.get(one);
      if (inner === undefined) {
        inner = new Map();
        counts.set(one, inner);
      }
      inner.set(other, (inner.get(other) ?? 0) + 1);
    };
  }
}
