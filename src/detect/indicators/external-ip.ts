import { peerText } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Resolvers everyone uses. */
const PUBLIC_RESOLVERS = new Set([
  '1.1.1.1',
  '1.0.0.1',
  '8.8.8.8',
  '8.8.4.4',
  '9.9.9.9',
  '149.112.112.112',
  '208.67.222.222',
  '208.67.220.220',
  '94.140.14.14',
  '77.88.8.8',
  '114.114.114.114',
  '223.5.5.5',
  '119.29.29.29',
  '2606:4700:4700::1111',
  '2606:4700:4700::1001',
  '2001:4860:4860::8888',
  '2001:4860:4860::8844',
  '2620:fe::fe',
]);

/** The peer is a bare public address. */
export const externalIp: Indicator = {
  id: 'external_ip',
  points: 10,
  hard: false,
  mitre: ['T1071'],
  title: 'Public address without a name',
  description:
    'A peer is a public IP address instead of a name. Makes soft facts immune against mitigations by context. Well-known public resolvers do not count.',
  evaluate({ invocation, category }) {
    const peer = invocation.peers.find(
      (entry) =>
        entry.class === 'public_ip' && entry.role !== 'listen' && !PUBLIC_RESOLVERS.has(entry.host ?? ''),
    );
    if (!peer) return undefined;
    return {
      ...(category === 'netcat' ? { points: 5 } : {}),
      evidence: peerText(peer),
      why: `its peer is the public address ${peerText(peer)}, without a name`,
      immune: true,
    };
  },
  examples: {
    fires: [
      { run: 'curl http://198.51.100.1/' },
      { run: 'nc 203.0.113.9 443' },
      { run: 'curl http://localhost@198.51.100.1/' },
    ],
    silent: [
      { run: 'curl http://10.0.0.5/' },
      { run: 'curl https://www.example.com/' },
      { run: 'dig @8.8.8.8 www.example.com' },
    ],
  },
};
