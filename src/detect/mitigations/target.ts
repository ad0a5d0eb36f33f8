import type { Context } from '../context.ts';
import type { Mitigation } from '../indicators/types.ts';
import { classifyHost } from '../peers.ts';
import { short } from '../phrases.ts';

/** Facts that say more than where the peer lies. */
const PLAIN = new Set([
  'upload',
  'download_exec_dir',
  'hostkey_off',
  'drift',
  'loc_hidden',
  'loc_unusual',
  'kubelet',
  'pipe_to_interpreter',
  'drop_and_run',
]);

function names(context: Context): string[] {
  return [
    ...context.targets.filter((peer) => peer.class !== 'unix').map((peer) => peer.host ?? ''),
    ...context.invocation.queries.filter((query) => !query.data_driven).map((query) => query.name),
  ];
}

/** Every peer is internal. */
export const internalTarget: Mitigation = {
  id: 'internal_target',
  points: -15,
  title: 'Internal peer',
  description:
    'All peers are private addresses or cluster names, nobody types, no server stands above, and nothing else was seen that says more.',
  group: 'target',
  evaluate(context, hits) {
    if (context.server || context.interactive || context.invocation.redirects.length > 0) return undefined;
    if (hits.some((hit) => !PLAIN.has(hit.id))) return undefined;
    const hosts = names(context);
    if (hosts.length === 0) return undefined;
    const internal = hosts.every((host) => {
      const { class: place } = classifyHost(host, 'connect');
      return place === 'internal' || place === 'loopback';
    });
    return internal ? { evidence: short(hosts.join(', ')), why: 'all its peers are internal' } : undefined;
  },
  examples: {
    fires: [{ run: 'nc -z db.shop.svc.cluster.local 5432' }, { run: 'curl http://10.0.0.5/' }],
    silent: [
      { run: 'nc -z db.example.com 5432' },
      { run: 'nc -zvn 10.0.0.5 1-1024' },
      { run: 'nslookup payments.prod.svc.cluster.local', tty: true, in_init_tree: false },
    ],
  },
};
