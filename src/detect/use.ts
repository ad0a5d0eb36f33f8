import type { ToolUse } from '../model/finding.ts';
import type { Context } from './context.ts';

/** What memory and routing want to know of one tool's execution. */
export function useOf({ invocation, files }: Context): ToolUse {
  const peers = new Set<string>();
  for (const peer of invocation.peers) peers.add(`${peer.host ?? peer.path ?? peer.text}:${peer.port ?? ''}`);
  for (const query of invocation.queries)
    if (query.data_driven !== true) peers.add(`dns:${domainOf(query.name)}`);
  const program = files[0]?.path;
  return {
    peers: [...peers].sort(),
    downloads: invocation.downloads.map(({ path, url }) => ({ path, ...(url !== undefined && { url }) })),
    ...(program !== undefined && { program }),
  };
}

/** The last three labels: what carries data in its labels stays together, different names apart. */
function domainOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '').split('.').slice(-3).join('.');
}
