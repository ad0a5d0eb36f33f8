import type { EnrichHealth } from '../model/enrich.ts';
import type { GuardedSource } from './guard.ts';

/** What health says: each source as its connection is, or as its breaker is; or why there is none. */
export function healthOf(
  runtimes: readonly GuardedSource[],
  kubernetes: GuardedSource | undefined,
): EnrichHealth[] {
  const all = [...runtimes, ...(kubernetes === undefined ? [] : [kubernetes])];
  if (all.length === 0) {
    return [
      {
        name: 'enrich',
        state: 'off',
        code: 'enrich_no_source',
        reason:
          'no container runtime was found and Kubernetes is not asked; name a socket under enrich.runtimes or give a kubeconfig',
      },
    ];
  }
  return all.map(({ source, isOpen }) => {
    const health = source.health();
    if (health.state !== 'ok' || !isOpen()) return health;
    return {
      ...health,
      state: 'degraded',
      code: 'runtime_slow',
      reason: 'lookups failed or were late repeatedly and pause; they are tried again by themselves',
    };
  });
}
