import type { Metrics } from './metrics.ts';

/** What was learned of new images, in numbers. */
export interface LearningEvents {
  seen(outcome: string): void;
  /** Before each scrape. */
  refresh(counts: { images: number; pairs: number }): void;
}

/** `outcomes` are all there are; without learning too each stands at zero. */
export function learningEvents(metrics: Metrics, outcomes: readonly string[]): LearningEvents {
  const seen = metrics.counter(
    'lanner_learning_findings_total',
    'Findings looked at to learn what a new image does, by what became of them',
    ['outcome'],
  );
  for (const outcome of outcomes) seen.inc({ outcome }, 0);
  const images = metrics.gauge('lanner_learning_images', 'Images that are remembered');
  const pairs = metrics.gauge('lanner_learning_pairs', 'Pairs of arguments and parent that are remembered');
  return {
    seen: (outcome) => seen.inc({ outcome }),
    refresh(counts) {
      images.set(counts.images);
      pairs.set(counts.pairs);
    },
  };
}
