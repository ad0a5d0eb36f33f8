import { afterEach, expect, it } from 'vitest';
import { type CriServer, recordedCri, startCriServer } from '../support/cri-server.ts';
import { execIn, type Rig, rig, socketFolder } from '../support/enriching.ts';

const folder = socketFolder();
let server: CriServer;
let one: Rig | undefined;

afterEach(async () => {
  await one?.stop();
  await server.stop();
  folder.remove();
});

it('remembers no more than its bounds after 100,000 containers were seen', async () => {
  server = await startCriServer(folder.at('c.sock'), { ...recordedCri(), listed: new Map() });
  one = rig({
    runtimes: [folder.at('c.sock')],
    kubernetes: { mode: 'off' },
    cache: { containers: 500 },
    deadline_ms: 15_000,
    breaker: { failures: 1000 },
  });
  const { enricher, value } = one;
  await enricher.start(new AbortController().signal);
  const id = (at: number) => at.toString(16).padStart(64, 'f');

  // Containers nobody knows any more: only negative answers to keep, and more questions than may wait.
  for (let at = 0; at < 100_000; at += 1) enricher.observe(id(at));
  const refused = await value('lanner_enrich_lookups_total', { source: 'cri', outcome: 'overloaded' });
  expect(refused).toBeGreaterThan(90_000);

  // Containers with facts: only so many are remembered.
  const web = [...server.world.containers.values()][0]!;
  for (let at = 0; at < 1200; at += 1) {
    const copy = structuredClone(web);
    copy.status.id = id(at + 1_000_000);
    server.world.containers.set(copy.status.id, copy);
    expect((await enricher.enrich(execIn(copy.status.id))).image?.repository).toMatch(/./);
  }
  expect(await value('lanner_enrich_cache_entries', { kind: 'containers' })).toBe(500);
  expect(await value('lanner_enrich_cache_entries', { kind: 'images' })).toBeLessThanOrEqual(2);
});
