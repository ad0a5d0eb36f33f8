import type { Context } from '../context.ts';
import { classifyHost } from '../peers.ts';
import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Wildcard names for development that really mean the address in them. */
const WILDCARD_DNS =
  /\.(?:nip\.io|sslip\.io|xip\.io|localtest\.me|lvh\.me|vcap\.me|traefik\.me|lacolhost\.com)$/i;
const LOOKS_LOCAL = /^(?:localhost|127(?:\.\d{1,3}){0,3}|0\.0\.0\.0)[.-]/i;
const NUMERIC = /^(?:0x[0-9a-f]+|\d{6,}|0[0-7]+)$|(?:^|\.)(?:0x[0-9a-f]+|0\d+)(?:\.|$)/i;

function disguise(context: Context): { text: string; how: string } | undefined {
  for (const peer of context.targets) {
    if (peer.class === 'loopback' || peer.class === 'unix' || peer.class === 'unknown') continue;
    const authority = peer.text.replace(/^[A-Za-z][\w+.-]*:\/\//, '').split(/[/?#]/)[0] ?? '';
    const at = authority.lastIndexOf('@');
    const user = at < 0 ? '' : authority.slice(0, at);
    if (user !== '' && classifyHost(user.split(':')[0] ?? '', 'connect').class === 'loopback')
      return { text: peer.text, how: 'has a loopback name in front of its @' };
    const host = peer.host ?? '';
    if (LOOKS_LOCAL.test(host) && !WILDCARD_DNS.test(host) && /[a-z]/i.test(host.replace(/^localhost/i, '')))
      return { text: peer.text, how: 'only begins like a local name' };
    const written = authority.slice(at + 1).replace(/:\d*$/, '');
    if (NUMERIC.test(written) && !written.includes(':'))
      return { text: peer.text, how: `is ${host} in an unusual spelling` };
  }
  const redirect = context.invocation.redirects.find(
    (entry) => /resolve|connect-to/i.test(entry.option) || /proxy|^-x$/i.test(entry.option),
  );
  const local = context.targets.some((peer) => peer.class === 'loopback');
  if (redirect && local)
    return {
      text: `${redirect.option} ${redirect.value}`,
      how: 'sends the request for a local name elsewhere',
    };
  return undefined;
}

/** Looks local and is not. */
export const disguisedPeer: Indicator = {
  id: 'disguised_peer',
  points: 20,
  hard: false,
  mitre: ['T1036', 'T1027'],
  title: 'Peer that only looks local',
  description:
    'The peer is written so that it passes for something harmless: localhost@HOST, 127.0.0.1.evil.example, an address in decimal or hexadecimal, or --resolve, --connect-to and proxies that send a local name elsewhere.',
  evaluate(context) {
    const found = disguise(context);
    return (
      found && { evidence: short(found.text), why: `${short(found.text, 160)} ${found.how}`, immune: true }
    );
  },
  examples: {
    fires: [
      { run: 'curl http://localhost@198.51.100.1/' },
      { run: 'curl http://127.0.0.1.x.example.com/' },
      { run: 'curl --resolve localhost:80:203.0.113.9 http://localhost/' },
    ],
    silent: [{ run: 'curl http://user@files.example.com/' }, { run: 'curl http://127.0.0.1.nip.io/' }],
  },
};
