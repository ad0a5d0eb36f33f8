import type { Metrics } from './metrics.ts';

/** One series that is always 1 and says what runs; `node` is the version of Node.js. */
export function buildInfo(metrics: Metrics, version: string): void {
  metrics
    .gauge('lanner_build_info', 'Always 1; version of Lanner, and of the Node.js it runs on', [
      'version',
      'node',
    ])
    .set({ version, node: process.version }, 1);
}
