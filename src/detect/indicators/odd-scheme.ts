import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

const ODD =
  /^(?:telnet|gopher|gophers|dict|tftp|ldaps?|imaps?|pop3s?|rtsp|smbs?|smtps?|mqtts?|ws|wss|rtmp|rtmps|netdoc|jar)$/;

/** A URL scheme curl knows and services hardly use. */
export const oddScheme: Indicator = {
  id: 'odd_scheme',
  points: 30,
  hard: false,
  mitre: ['T1071'],
  title: 'Unusual URL scheme',
  description:
    'curl speaks telnet, gopher, dict, tftp, ldap, smb and mail protocols: raw connections in the clothes of an HTTP client.',
  evaluate({ invocation, tool }) {
    if (tool.id !== 'curl' && tool.id !== 'wget') return undefined;
    const peer = invocation.peers.find((entry) => entry.role === 'connect' && ODD.test(entry.scheme ?? ''));
    return (
      peer && { evidence: short(peer.text), why: `it speaks ${peer.scheme} to ${short(peer.text, 160)}` }
    );
  },
  examples: {
    fires: [
      { run: 'curl telnet://db.example.com:6379' },
      { run: 'curl gopher://cache.example.com:6379/_FLUSHALL' },
    ],
    silent: [{ run: 'curl https://api.example.com/' }, { run: 'curl -O ftp://files.example.com/a' }],
  },
};
