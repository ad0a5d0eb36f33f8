import { argumentParserFor } from '../../../src/detect/arguments/index.ts';
import type { ArgumentContext, Invocation } from '../../../src/detect/invocation.ts';

/** Parses a tool's words given as one line; `'…'` and `"…"` keep blanks. */
export function parse(tool: string, line: string, context: Partial<ArgumentContext> = {}): Invocation {
  return argumentParserFor(tool)(split(line), { invoked_as: tool, ...context });
}

export function split(line: string): string[] {
  const words = line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return words.map((word) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, one?: string, two?: string) => one ?? two ?? ''),
  );
}

/** `role class host port`, one per peer. */
export function peersOf(invocation: Invocation): string[] {
  return invocation.peers.map((peer) =>
    [peer.role, peer.class, peer.host ?? peer.path ?? '', peer.port ?? ''].join(' ').trim(),
  );
}
